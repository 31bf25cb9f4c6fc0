"""Encoder, predictors NCN and NCNC, and scoring with them."""
