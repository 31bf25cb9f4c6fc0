"""NCN and NCNC link prediction: tensors in, tensors out; services, files of a night and the clock are in `pipeline`."""

import warnings

# torch says it once a process, to people who gave sparse features and never asked how they are laid out. Of the layout
# nothing is used but its three arrays; the products are our own.
warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
