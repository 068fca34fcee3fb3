"""The web shell that the three services share: routes, audiences, pages, forms."""
