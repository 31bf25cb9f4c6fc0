"""NCN and NCNC link prediction: tensors in, tensors out."""
