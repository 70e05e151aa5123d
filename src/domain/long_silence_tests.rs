//! A step of the kind `long-silence`: who is named to which office, and when it is decided again.

use super::ReceiptState::{Complete, Nil};
use super::duty::{Audience, Base, Step};
use super::recheck::Verdict;
use super::test_support::{Cycle, at, extended, lines, mailbox, step};
use super::{AuthorityId, NoticeKind};

const DUE: &str = "2026-12-22 08:00";

/// Statistics of December with a step that names who misses three cycles running; k1 and d1 missed the two before, k2 one.
fn cycle(to: &[Audience]) -> Cycle {
    let mut cycle = Cycle::new("statistics", "2026-12");
    let long_silence = step(NoticeKind::LongSilence, Base::End, 5, "08:00", to);
    let statistics = cycle.rulebook.duties.iter_mut().find(|duty| &*duty.id == "statistics").unwrap();
    statistics.steps.push(Step { missed_cycles: Some(3), ..long_silence });
    cycle.facts.missed_running = [("k1", 2), ("d1", 2), ("k2", 1)].map(|(id, run)| (AuthorityId::from(id), run)).into();
    cycle
}

/// What a tick queues of the step, before anything is sent.
fn queued(cycle: &mut Cycle) -> Vec<String> {
    let of_step = cycle.tick(at(DUE)).queue.into_iter().filter(|notice| notice.kind == NoticeKind::LongSilence);
    lines(&of_step.collect::<Vec<_>>())
}

#[test]
fn long_silence_names_who_misses_so_many_cycles_running() {
    let check = |label: &str, to: Audience, change: &dyn Fn(&mut Cycle), want: &[&str]| {
        let mut cycle = cycle(&[to]);
        change(&mut cycle);
        assert_eq!(queued(&mut cycle), want, "{label}");
    };
    use Audience::{Office, Rrk, Zrk};
    check("to the ZRK", Zrk, &|_| {}, &["long-silence+5/1 zrk [d1 k1]"]);
    check("to an office of choice", Office("zfa".into()), &|_| {}, &["long-silence+5/1 zfa [d1 k1]"]);
    let of_rrks = ["long-silence+5/1 rrk-detmold [d1]", "long-silence+5/1 rrk-koeln [k1]"];
    check("to the RRKs, each of its district", Rrk, &|_| {}, &of_rrks);
    let report = |cycle: &mut Cycle| cycle.report("k1", Complete, "2026-12-21 10:00");
    check("one has reported", Zrk, &report, &["long-silence+5/1 zrk [d1]"]);
    let extend = |cycle: &mut Cycle| cycle.report("k1", extended("2026-12-23"), "2026-12-10 10:00");
    check("one has more time", Zrk, &extend, &["long-silence+5/1 zrk [d1]"]);
    let all_report =
        |cycle: &mut Cycle| ["k1", "d1"].map(|id| cycle.report(id, Nil, "2026-12-21 10:00")).into_iter().collect();
    check("nobody is left", Zrk, &all_report, &[]);
    let flag = |cycle: &mut Cycle| cycle.flagged.extend([mailbox("k1")]);
    check("one cannot be reached: the ZRK is told", Zrk, &flag, &["long-silence+5/1 zrk [d1 k1]"]);
    check("and nobody else", Office("zfa".into()), &flag, &["long-silence+5/1 zfa [d1]"]);
    let forget = |cycle: &mut Cycle| cycle.facts.missed_running.clear();
    check("the first month of a store", Zrk, &forget, &[]);
}

#[test]
fn long_silence_is_decided_again_when_it_is_sent() {
    let mut cycle = cycle(&[Audience::Zrk]);
    queued(&mut cycle);
    let index = cycle.said("long-silence+5", "zrk").unwrap();
    let now = at("2026-12-22 08:01");
    assert_eq!(cycle.recheck(index, now), Verdict::Send(vec!["d1".into(), "k1".into()]));
    cycle.report("k1", Complete, "2026-12-22 08:00");
    assert_eq!(cycle.recheck(index, now), Verdict::Send(vec!["d1".into()]));
    cycle.report("d1", Complete, "2026-12-22 08:00");
    assert_eq!(cycle.recheck(index, now), Verdict::Withdraw("nobody is missing for so long any more".into()));
}

#[test]
fn long_silence_lives_until_the_cycle_closes_and_is_told_once() {
    let mut cycle = cycle(&[Audience::Zrk]);
    queued(&mut cycle);
    cycle.deliver(at(DUE));
    assert_eq!(queued(&mut cycle), [""; 0], "told");
    let ladder = cycle.ladder();
    assert_eq!(ladder.rung("long-silence+5").unwrap().live_until, ladder.closes_at);
}
