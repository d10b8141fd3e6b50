"""Checked images as TFRecord shards with a manifest: written, verified, read."""
