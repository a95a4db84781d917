"""From a class to its article or articles, with the evidence and the doubt written down."""
