"""The commands of `dure`, one file for each noun or verb; imported only when called."""
