"""Where examples come from: every source names them; nothing is read until asked."""
