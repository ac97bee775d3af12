"""Peak activation memory: what is kept while a network runs, under named definitions.

`definitions` has them; `peaks` works them out for a network, in the order of its file or, with
`order`, in the one that needs the least.
"""
