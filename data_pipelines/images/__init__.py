"""Encoded images: told by their first bytes, checked whole, brought to two formats."""
