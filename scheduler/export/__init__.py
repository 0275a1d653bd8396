"""Text for machines and people: files, letters, reasons."""
