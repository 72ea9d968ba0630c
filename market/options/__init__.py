"""Option chains: state, Black-76 and its inverse, positioning, smiles, fitted surfaces, and their records.

    view = chain.view(time)                  # columns of the unexpired options of a `Chain`
    priced = price_chain(view)               # forward, volatility, Greeks and exposure, computed on first use
    surface = build_surface(priced)          # volatilities of bids, asks and marks, SVI fits, arbitrage margins
    chain_records(venue, priced, surface)    # records of topic `options.chain`

Functions on arrays, usable without a chain: `black76.price` and `greeks`, `implied_vol.implied_vol`,
`svi_fit.fit_smiles`, `smile.build_smile` and `skew`, `positioning.max_pain` and `put_call_ratio`,
`exposure.gamma_exposure`. Formulas and units: docs/metrics.md, section "Option chains".
"""
