"""The application: steps, records, policy, and the doors to services; the mathematics is in `ncnc_core`."""

from pipeline.environment import set_switches

# Here, and not beside an import of mlflow: whichever of our modules imports it first, this has run before. Beside one
# of them it ran too late, for another was imported earlier, and MLflow began to report how a command by hand used it.
set_switches()
