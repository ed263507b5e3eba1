"""The second river: annotated passages to a fitted model and its evaluation. Only here is scikit-learn imported."""
