"""The embedded deployment: the whole product on one machine, with nothing to install beside its Python packages."""
