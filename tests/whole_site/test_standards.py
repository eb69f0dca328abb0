"""Which test holds which demand of law, regulators and standards on a consent site.

L GDPR and ePrivacy; C courts and EDPB; B the EDPB's taskforce on banners; D other regulators;
P proposed law; S the client's one sentence; R records and receipts (ISO/IEC TS 27560, DPV);
G signals; A accessibility (WCAG 2.2); X security (ASVS 5.0, MDN Observatory); T lifetimes.
"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

HELD_BY = {
    # nothing before consent; a clear act; nothing ticked; who asks, and for what
    "L1": ("whole_site/test_in_a_browser", "first_views_leave_no_storage_of_any_kind"),
    "L2": ("consent/test_implied", "opt_in_never_assumes_anything"),
    "L3": (
        "consent/test_bad_input",
        "after_a_wrong_form_nothing_is_ticked_for_somebody_who_has_not_chosen",
    ),
    "L4": ("whole_site/test_required_parts", "the_banner_tells_each_purpose_in_words"),
    "L5": ("whole_site/test_every_page", "the_form_asks_for_nothing_but_the_choice"),
    "L6": ("rights/test_history", "a_visitor_is_found_by_the_value_of_their_cookie"),
    "L7": ("whole_site/test_every_page", "the_form_asks_for_nothing_but_the_choice"),
    "L8": ("consent/test_journey", "withdrawing_is_one_click_and_a_new_record"),
    "L9": ("whole_site/test_every_page", "every_article_is_whole_whatever_was_chosen"),
    "L10": ("consent/test_implied", "opt_in_never_assumes_anything"),
    "L11": (
        "rights/test_erasure",
        "nothing_is_kept_of_an_address_or_a_device",
        "records_past_their_retention_are_purged_and_the_others_stay",
    ),
    "L12": ("pages/test_pages", "the_privacy_page_says_each_thing_that_article_13_demands"),
    "L14": (
        "whole_site/test_architecture",
        "every_sentence_is_translated_and_the_compiled_file_is_current",
    ),
    # lifetimes and parties shown; the notice is proven; no tag before consent
    "C1": (
        "whole_site/test_required_parts",
        "the_settings_page_tells_of_every_cookie_all_that_there_is_to_tell",
    ),
    "C2": (
        "whole_site/test_required_parts",
        "the_privacy_page_has_each_part_that_the_law_asks_for",
    ),
    "C3": ("consent/test_effect", "before_a_choice_the_partner_hears_nothing"),
    "C4": ("consent/test_notices", "a_record_names_the_notice_with_every_word_of_the_banner"),
    "C5": ("whole_site/test_looks", "the_three_answers_weigh_the_same_on_every_screen"),
    "C6": ("consent/test_effect", "what_was_pasted_by_mistake_is_blocked_by_the_browser"),
    # refusing where accepting is, alike, as a button; what is necessary says why
    "B-A": ("whole_site/test_every_page", "the_three_buttons_are_alike_and_nothing_is_ticked"),
    "B-B": ("whole_site/test_every_page", "the_three_buttons_are_alike_and_nothing_is_ticked"),
    "B-C": ("whole_site/test_every_page", "the_three_buttons_are_alike_and_nothing_is_ticked"),
    "B-D": ("whole_site/test_in_a_browser", "the_three_buttons_look_exactly_alike"),
    "B-E": ("whole_site/test_validators", "axe_finds_nothing_with_any_of_its_rules"),
    "B-H": ("pages/test_pages", "the_privacy_page_says_each_thing_that_article_13_demands"),
    "B-I": (
        "pages/test_pages",
        "whoever_is_told_unasked_is_named_with_the_reason_wherever_it_matters",
    ),
    "B-K": ("whole_site/test_every_page", "every_page_is_whole_before_and_after_a_choice"),
    "D1": ("consent/test_journey", "rejecting_is_recorded_and_lasts_as_long_as_accepting"),
    "D2": ("whole_site/test_every_page", "no_address_stores_anything_before_a_choice"),
    "D3": ("consent/test_script", "the_window_offers_nothing_else"),
    "D4": ("whole_site/test_required_parts", "the_banner_tells_each_purpose_in_words"),
    "D6": ("consent/test_implied", "opt_in_never_assumes_anything"),
    "P1": ("consent/test_journey", "rejecting_is_recorded_and_lasts_as_long_as_accepting"),
    "P2": (
        "consent/test_journey",
        "global_privacy_control_is_shown_recorded_and_overruled_by_a_choice",
    ),
    "S2": ("consent/test_implied", "gpc_always_beats_continued_use"),
    # records only grow; receipts are read without a network; erasure leaves a mark and no name
    "R1": ("consent/test_journey", "the_database_refuses_to_change_a_record"),
    "R2": ("rights/test_receipt", "every_term_is_in_the_vocabulary_and_no_network_is_needed"),
    "R3": ("rights/test_history", "nobody_sees_the_records_of_somebody_else"),
    "R4": ("consent/test_notices", "a_record_names_the_notice_with_every_word_of_the_banner"),
    "R5": ("operator/test_report", "a_cell_is_never_a_formula"),
    "R6": ("rights/test_erasure", "erasing_removes_who_and_what_and_keeps_the_digest"),
    "G1": ("consent/test_journey", "only_the_value_1_is_the_signal"),
    "G2": (
        "consent/test_journey",
        "global_privacy_control_is_shown_recorded_and_overruled_by_a_choice",
    ),
    "G3": ("consent/test_signals", "consent_mode_denies_all_by_default_and_updates_once"),
    "G4": ("consent/test_signals", "no_string_of_the_advertising_trade_is_made_up"),
    "A1": (
        "whole_site/test_for_everybody",
        "the_order_of_a_screen_reader_is_the_order_of_the_page",
    ),
    "A2": ("whole_site/test_validators", "axe_finds_nothing_with_any_of_its_rules"),
    "A3": ("whole_site/test_in_a_browser", "at_320_pixels_nothing_is_cut_off"),
    "A4": ("whole_site/test_for_everybody", "with_text_spaced_out_nothing_is_lost"),
    "A5": ("whole_site/test_every_page", "every_page_is_whole_before_and_after_a_choice"),
    "A6": ("whole_site/test_in_a_browser", "by_keyboard_alone_the_banner_comes_first"),
    "A7": (
        "whole_site/test_for_everybody",
        "the_order_of_a_screen_reader_is_the_order_of_the_page",
    ),
    "A8": ("whole_site/test_for_everybody", "the_focus_is_always_seen"),
    "A9": ("whole_site/test_for_everybody", "the_focus_is_always_seen"),
    "A10": ("whole_site/test_for_everybody", "targets_are_large_enough"),
    "A11": ("whole_site/test_required_parts", "a_link_to_the_other_language_says_which_it_is"),
    "A12": ("whole_site/test_in_a_browser", "a_tick_sends_nothing"),
    "A13": (
        "rights/test_by_number",
        "what_was_typed_comes_back_with_the_error_and_the_field_names_it",
    ),
    "A14": ("consent/test_journey", "withdrawing_is_one_click_and_a_new_record"),
    "A15": ("consent/test_journey", "the_settings_page_shows_the_present_choice_and_a_way_back"),
    "A16": (
        "consent/test_journey",
        "the_confirmation_is_focused_shown_once_and_leads_to_the_settings",
    ),
    "X1": ("whole_site/test_every_answer", "every_cookie_is_as_narrow_as_it_can_be"),
    "X2": ("consent/test_order", "nobody_can_propose_the_number_of_a_session"),
    "X3": ("security/test_security", "a_choice_must_come_from_this_site"),
    "X4": ("security/test_security", "the_policy_without_consent_names_nobody_else"),
    "X5": ("whole_site/test_every_answer", "every_answer_has_every_header_whole"),
    "X6": ("consent/test_bad_input", "next_leads_nowhere_but_to_this_site"),
    "X7": (
        "security/test_limits",
        "all_grants_of_a_client_have_one_count_whichever_address_and_worker",
        "who_takes_something_back_is_never_limited",
    ),
    "X8": ("article/test_markdown", "what_a_text_may_not_hold_is_told_with_its_line"),
    "X9": ("whole_site/test_every_answer", "every_answer_has_every_header_whole"),
    "T1": ("consent/test_journey", "a_choice_ends_after_six_months_and_visits_do_not_prolong_it"),
    "T2": ("consent/test_journey", "rejecting_is_recorded_and_lasts_as_long_as_accepting"),
    "T3": ("consent/test_registry", "a_contradiction_is_named_in_one_sentence"),
    "T4": ("whole_site/test_every_answer", "every_cookie_is_as_narrow_as_it_can_be"),
    "T5": ("consent/test_journey", "a_choice_ends_after_six_months_and_visits_do_not_prolong_it"),
    "T6": (
        "consent/test_asking_again",
        "who_accepted_is_asked_about_what_was_added_and_nobody_else",
    ),
    "T7": (
        "rights/test_erasure",
        "a_refusal_with_nothing_accepted_before_is_kept_while_it_is_valid",
    ),
}

# How many of each kind there are, and those that demand nothing of this site, with the reason.
KINDS = {"L": 14, "C": 7, "D": 6, "P": 2, "R": 6, "G": 5, "A": 16, "X": 9, "T": 7}
BY_LETTER = {"S2", *(f"B-{letter}" for letter in "ABCDEHIK")}
NOT_HELD = {
    "L13": "how high fines can be",
    "C7": "consent or pay: nothing here is paid for",
    "D5": "the law of the United Kingdom, on which nothing here relies",
    "G5": "signals that nobody sends",
}


def test_no_demand_is_left_out() -> None:
    numbered = {f"{kind}{at}" for kind, last in KINDS.items() for at in range(1, last + 1)}
    assert set(HELD_BY) | set(NOT_HELD) == numbered | BY_LETTER
    assert not set(HELD_BY) & set(NOT_HELD)


@pytest.mark.parametrize("demand", HELD_BY)
def test_each_demand_is_held_by_a_test(demand: str) -> None:
    file, *names = HELD_BY[demand]
    tree = ast.parse((TESTS / f"{file}.py").read_text(encoding="utf-8"))
    there = {part.name for part in tree.body if isinstance(part, ast.FunctionDef)}
    assert there >= {f"test_{name}" for name in names}
