"""Tables of architectures, one family or origin per file; none imports Keras."""
