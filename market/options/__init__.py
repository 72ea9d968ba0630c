"""Option chains: names, chain state, Black-76 and its inverse, positioning, smiles and fitted surfaces."""
