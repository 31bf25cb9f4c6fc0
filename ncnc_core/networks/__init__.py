"""The encoder and the predictors NCN and NCNC, and scoring pairs with them; their training is in `training`."""
