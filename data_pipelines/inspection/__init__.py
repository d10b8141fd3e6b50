"""What people look at before training: figures, copies, contact sheets."""
