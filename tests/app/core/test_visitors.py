"""Who waits, and the sentence about it."""

from app.core.visitors import Visitor, Wait, current_visitor, sentence_of, visiting


def test_the_sentence_has_place_and_seconds():
    assert sentence_of(Wait(1, None)) == "Waiting for 1 other request."
    assert sentence_of(Wait(3, 12.4)) == "Waiting for 3 other requests, about 12 s."
    assert sentence_of(Wait(2, 0.1)) == "Waiting for 2 other requests, about 1 s."
    assert sentence_of(None) == ""


def test_the_visitor_is_that_of_the_context():
    assert current_visitor() == Visitor()
    with visiting("me", print):
        assert current_visitor() == Visitor("me", print)
        with visiting("you", admitted=True):
            assert current_visitor() == Visitor("you", None, True)
        assert current_visitor().session == "me"
    assert current_visitor() == Visitor()
