"""gonglian (工联): assigns Chinese companies to the domains of the industrial internet, or to none.

>>> from classifier.scoring import load_scorer
>>> scorer = load_scorer()
>>> scorer.label(["工业机器人的研发、生产和销售"])[0].domain
'smart_equipment'
"""

__version__ = "0.1.0"
