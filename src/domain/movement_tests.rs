//! N7: what moved since the report before, for each sequence of receipts.

use chrono_tz::Europe::Berlin;

use super::super::ReceiptState::{Complete, Excused, Missing, Nil};
use super::super::standing::standing_now;
use super::super::test_support::{at, backdated, extended, partial, receipt, statistics};
use super::*;

const BEFORE: &str = "2026-12-17 08:00";
const NOW: &str = "2026-12-28 08:00";

fn early(state: ReceiptState) -> Receipt {
    receipt("k1", state, "2026-12-09 10:00")
}

fn since(state: ReceiptState) -> Receipt {
    receipt("k1", state, "2026-12-18 10:00")
}

fn later(state: ReceiptState) -> Receipt {
    receipt("k1", state, "2026-12-21 10:00")
}

fn moved(receipts: &[Receipt]) -> Option<Movement> {
    let standing = standing_now(receipts, at(NOW), Berlin);
    assert!(!standing.is_settled(), "else it is no case: {standing:?}");
    Movement::since(at(BEFORE), receipts, &standing, &statistics(), Berlin)
}

#[test]
fn what_moved_is_found_for_each_sequence_of_receipts() {
    use Movement::{ExtensionEnded, PartCame, PartTakenBack, TakenBack};
    let two = || partial(&["without-funding", "returns"]);
    let one = || partial(&["returns"]);
    let excused = || Excused { reason: "Umzug".into() };
    let check = |label: &str, receipts: &[Receipt], want| assert_eq!(moved(receipts), want, "{label}");
    check("silent then and now", &[], None);
    check("partial then and now", &[early(two())], None);
    check("the same said once more", &[early(two()), since(two())], None);
    check("missing said of one that was silent", &[since(Missing)], None);
    check("a part came", &[since(one())], Some(PartCame));
    check("a further part came", &[early(two()), since(one())], Some(PartCame));
    check("one came and another went", &[early(one()), since(partial(&["reag-garp"]))], Some(PartCame));
    check("a part was taken back", &[early(one()), since(two())], Some(PartTakenBack));
    check("all parts were taken back", &[early(one()), since(Missing)], Some(PartTakenBack));
    check("a part came and went", &[since(one()), later(Missing)], None);
    check("complete and taken back", &[since(Complete), later(Missing)], Some(TakenBack));
    check("complete and partly taken back", &[early(two()), since(Complete), later(one())], Some(TakenBack));
    check("nil and taken back", &[since(Nil), later(Missing)], Some(TakenBack));
    check("excused and no longer", &[since(excused()), later(Missing)], Some(TakenBack));
    check("settled while the report went out", &[early(Complete), since(Missing)], Some(TakenBack));
    check("settled and taken back before the report", &[early(Complete), early(Missing)], None);
    check("an extension came and ran out", &[since(extended("2026-12-22"))], Some(ExtensionEnded));
    check("an extension that ran out before", &[early(extended("2026-12-16"))], None);
    let again = [early(extended("2026-12-16")), since(extended("2026-12-22"))];
    check("a second one came and ran out", &again, Some(ExtensionEnded));
    check("an extension was taken back", &[since(extended("2027-01-08")), later(Missing)], None);
    check("a part came in an extension", &[since(extended("2026-12-22")), later(one())], Some(PartCame));
    let told_late = backdated("k1", one(), "2026-12-16 10:00", "2026-12-18 10:00");
    check("a part that came before and was recorded since", &[told_late], Some(PartCame));
    let known_then = backdated("k1", one(), "2026-12-16 10:00", "2026-12-16 11:00");
    check("a part that was known then", &[known_then], None);
}

#[test]
fn each_movement_has_words_of_its_own() {
    use Movement::{BackAgain, ExtensionEnded, PartCame, PartTakenBack, TakenBack};
    let all = [PartCame, PartTakenBack, TakenBack, ExtensionEnded, BackAgain].map(Movement::in_words);
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
}
