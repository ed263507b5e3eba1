"""What a model folder says of its model, for people."""

from __future__ import annotations

from risk_clf.model.model import Model


def card_text(model: Model) -> str:
    """Write the model card (Mitchell et al. 2019) as Markdown from `model.card`."""
    corpus = model.card["corpus"]
    lines = [
        "# Model card",
        "",
        "Three heads of TF-IDF and logistic regression: a locator of cautionary passages, a segmenter of risk factors,",
        "a labeller.",
        "",
        "**Intended use.** Risk factors of company disclosures in English: research on their mix, and reading aids.",
        "Not legal advice, and no judgement of whether a disclosure is complete or a risk is real.",
        "",
        "**Limits.** The English of filers in the United States and Canada above all. What no one thought of when the",
        "corpus was written is read worse. A probability is calibrated on the corpus, by cross-validation.",
        "",
        "## Trained on",
        "",
        f"{corpus['passages']} passages with {corpus['factors']} risk factors, {corpus['paragraphs']} paragraphs that",
        f"are not cautionary; sha256 `{corpus['sha256']}`.",
        "",
        "| label | factors |",
        "|---|---|",
        *(f"| {key} | {count} |" for key, count in corpus["labels"].items()),
        "",
        "## Settings and versions",
        "",
        *(f"- {name}: {value}" for part in ("settings", "versions") for name, value in model.card[part].items()),
    ]
    return "\n".join(lines) + "\n"
