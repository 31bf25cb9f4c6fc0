"""The checks of a delivery and of the graph that it makes; pure functions, which fetch nothing."""
