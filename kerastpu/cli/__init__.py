"""The `kerastpu` command: one thin file per subcommand."""
