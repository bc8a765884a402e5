"""modscope: opens trained neural networks after the fact.

    import modscope
    result = modscope.audit(model, (inputs, labels))
    result                      # in a notebook, the report
    result.circuits.to_pandas()

The functions are the commands of the program, which is installed beside them as
`modscope`; options are its flags. Results are its JSON, with attributes.
"""

from ._commands import (
    audit,
    certify,
    circuit,
    compare,
    diff,
    intervene,
    lens,
    modules,
    prune,
    report,
    stability,
    train,
)
from ._eap_ig import from_eap_ig, to_eap_ig
from ._error import Error
from ._network import Network, Run
from ._result import Part, Result, Rows
from ._sweep import sweep

__all__ = [
    "Error",
    "Network",
    "Part",
    "Result",
    "Rows",
    "Run",
    "audit",
    "certify",
    "circuit",
    "compare",
    "diff",
    "from_eap_ig",
    "intervene",
    "lens",
    "modules",
    "prune",
    "report",
    "stability",
    "sweep",
    "to_eap_ig",
    "train",
]
