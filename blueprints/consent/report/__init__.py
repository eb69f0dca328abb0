"""What the operator reads: numbers in which no visitor appears, and a dossier for an authority."""
