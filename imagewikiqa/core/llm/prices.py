"""What a call costs, from prices that travel with a package; nothing is fetched."""

from collections.abc import Callable

from imagewikiqa.core.errors import MissingExtraError
from imagewikiqa.core.llm.client import Usage

Price = Callable[[str, Usage], float | None]  # of a model and what a call used, in US dollars

_PRICED = ("anthropic", "openai")


def no_price(model: str, usage: Usage) -> float | None:
    """Return that the price of a call is not known."""
    return None


def nothing_to_pay(model: str, usage: Usage) -> float:
    """Return the price of a call that this machine answers."""
    return 0.0


def price_of(provider: str) -> Price:
    """Return the price list of a provider; servers of one's own have none that is known."""
    if provider not in _PRICED:
        return no_price
    try:
        import genai_prices
    except ImportError as error:
        raise MissingExtraError("genai-prices", "llm") from error

    def price(model: str, usage: Usage) -> float | None:
        used = genai_prices.Usage(
            input_tokens=usage.input_tokens, output_tokens=usage.output_tokens
        )
        try:
            return float(genai_prices.calc_price(used, model, provider_id=provider).total_price)
        except LookupError:
            return None  # a model that the list does not know: its price is unknown, not nothing

    return price
