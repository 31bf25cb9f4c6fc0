"""The paper's protocols, run and reported as they come out."""
