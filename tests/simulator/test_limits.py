"""Limits of clients, and the replies beyond them."""

from simulator.limits import Credits, Limits, WeightBudget, Window

NOON = 1_767_268_800.0  # a full minute
LIMITS = Limits(weight_per_min=100, over_weight=2, ban_s=120)


def test_a_window_drops_older_events() -> None:
    window = Window(2, 1.0)
    assert [window.admit(NOON + at) for at in (0.0, 0.5, 0.9, 2.0)] == [True, True, False, True]


def test_credits_refill_at_a_constant_rate_up_to_the_capacity() -> None:
    credits = Credits(capacity=10, refill_per_s=1)
    assert credits.spend(10, NOON) and not credits.spend(1, NOON)
    assert credits.spend(3, NOON + 3) and not credits.spend(1, NOON + 3)
    assert credits.spend(10, NOON + 1000) and not credits.spend(1, NOON + 1000)


def test_weight_beyond_the_budget_is_refused_until_the_next_minute() -> None:
    budget = WeightBudget(LIMITS)
    assert budget.charge(100, NOON + 10).status == 200
    refused = budget.charge(1, NOON + 20)
    assert (refused.status, refused.used, refused.retry_after_s) == (429, 101, 41)
    assert budget.charge(1, NOON + 61).used == 1


def test_requests_after_a_refusal_lead_to_bans_of_growing_length() -> None:
    budget = WeightBudget(LIMITS)
    assert [budget.charge(60, NOON).status for _ in range(4)] == [200, 429, 429, 418]
    assert budget.charge(1, NOON + 119).status == 418
    assert budget.charge(1, NOON + 121).status == 200
    later = [budget.charge(60, NOON + 180) for _ in range(4)][-1]
    assert (later.status, later.retry_after_s) == (418, 241)
