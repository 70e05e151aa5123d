//! Checks that log entries are chained as they were written, one after the other. Never touches a database.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::entry::{FIRST_PREVIOUS, LogEntry, LogHead};

const FAULTS_MAX: usize = 200; // after so many, more would tell nobody more; they are counted
const REMARKS_MAX: usize = 20; // a clock that jumps to and fro is told by a few examples
const SUSPECTS_MAX: usize = 64; // entries kept to find out which of them stand in each other's place
const GAP_SHOWN_MAX: i64 = 1000; // of a longer gap nobody asks whether one of its entries stands elsewhere
const NUMBER_MAX: i64 = 1 << 53; // no log gets so long; two numbers further apart could not be told by how much

/// What is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainFault {
    /// The entry: the number under which it stands, or was written if it does not stand there.
    pub number: i64,
    /// Of several that are gone the last one, of one that stands elsewhere its place; else the same.
    pub to: i64,
    /// What.
    pub kind: ChainFaultKind,
}

/// What can be wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChainFaultKind {
    /// What it says is not what was hashed, or the entry after it attests another one.
    Changed,
    /// It is gone from between others.
    Missing,
    /// It was not written by fristd: it breaks the order of two entries that attest each other, or comes after the head.
    Inserted,
    /// It stands there a second time.
    Duplicate,
    /// It stands in another place than it was written.
    Reordered,
    /// It is gone from the end.
    CutOff,
    /// A column holds what no entry can.
    Unreadable,
    /// The last entry and the head do not agree: one of the two was changed.
    HeadDiffers,
    /// The head is gone.
    HeadMissing,
    /// It is another one than when its hash was noted elsewhere: the log was written anew from there, or before, on.
    Rewritten,
}

impl ChainFaultKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Changed,
        Self::Missing,
        Self::Inserted,
        Self::Duplicate,
        Self::Reordered,
        Self::CutOff,
        Self::Unreadable,
        Self::HeadDiffers,
        Self::HeadMissing,
        Self::Rewritten,
    ];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Inserted => "inserted",
            Self::Duplicate => "duplicate",
            Self::Reordered => "reordered",
            Self::CutOff => "cut-off",
            Self::Unreadable => "unreadable",
            Self::HeadDiffers => "head-differs",
            Self::HeadMissing => "head-missing",
            Self::Rewritten => "rewritten",
        }
    }
}

/// What a checker has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// How many entries were read.
    pub entries: u64,
    /// The last entry that was read.
    pub last: LogHead,
    /// What is wrong, in the order of the numbers.
    pub faults: Vec<ChainFault>,
    /// How many faults were found besides.
    pub more_faults: u64,
    /// Entries that are earlier than the one before: a clock was set back. No fault.
    pub earlier: Vec<i64>,
    /// How many such entries there are.
    pub earlier_count: u64,
}

/// An entry that was read, as far as the next ones need it.
#[derive(Clone, Debug)]
struct Link {
    number: i64,
    /// The number under which it was written, as far as that can be told.
    written_as: i64,
    previous: String,
    hash: String,
    /// The hash that its words have; the same of an entry that is right.
    computed: String,
    is_faulty: bool,
}

impl Link {
    /// Whether an entry that names `previous` follows this one.
    fn is_named_by(&self, previous: &str) -> bool {
        previous == self.hash || previous == self.computed
    }
}

/// Two entries of which one is wrong; the one after them says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// The last but one and the last do not follow each other.
    Broken,
    /// Both were written under the same number.
    Twice,
}

/// Reads entries in the order in which they stand and finds what is wrong. Keeps a few of them, never all.
#[derive(Debug)]
pub struct ChainChecker {
    entries: u64,
    /// The last two that were read.
    last_two: VecDeque<Link>,
    doubt: Option<Doubt>,
    /// By how much the numbers of what is read now differ from those under which it was written.
    shift: i64,
    last_at: Option<DateTime<Utc>>,
    faults: Vec<ChainFault>,
    more_faults: u64,
    earlier: Vec<i64>,
    earlier_count: u64,
    /// Changed entries that may be others' in the wrong place.
    suspects: Vec<LogEntry>,
    noted: Option<LogHead>,
    is_noted_seen: bool,
    first: i64,
    head: Head,
    tail: Option<Tail>,
}

/// What is known of the log's end.
#[derive(Clone, Debug)]
pub enum Head {
    /// The row that is kept beside the log; none if it is gone.
    Kept(Option<LogHead>),
    /// Nothing, as of an export: what was cut off at its end is found only by a head that was noted.
    Unknown,
}

/// Entries after the head.
#[derive(Debug)]
struct Tail {
    from: i64,
    to: i64,
    last_hash: String,
}

impl ChainChecker {
    /// A checker for a log that begins with the entry `first`: 1, or where an export begins. `noted` is a head that was noted
    /// elsewhere.
    pub fn new(first: i64, head: Head, noted: Option<LogHead>) -> Self {
        Self {
            entries: 0,
            last_two: VecDeque::new(),
            doubt: None,
            shift: 0,
            last_at: None,
            faults: Vec::new(),
            more_faults: 0,
            earlier: Vec::new(),
            earlier_count: 0,
            suspects: Vec::new(),
            noted,
            is_noted_seen: false,
            first,
            head,
            tail: None,
        }
    }

    /// Reads the next entry.
    pub fn read(&mut self, entry: &LogEntry) {
        if !is_number(entry.number) {
            self.read_unreadable(Some(entry.number));
            return;
        }
        self.entries += 1;
        if self.last_at.is_some_and(|last_at| entry.at < last_at) {
            self.earlier_count += 1;
            if self.earlier.len() < REMARKS_MAX {
                self.earlier.push(entry.number);
            }
        }
        self.last_at = Some(entry.at);
        let computed = entry.expected_hash();
        let expected = self.last_two.back().map_or(self.first, |last| last.written_as + 1);
        let found = match computed == entry.hash {
            true => Some(entry.number),
            false => self.written_as(entry, expected),
        };
        let (is_faulty, written_as) = (found.is_none(), found.unwrap_or(entry.number - self.shift));
        if is_faulty && self.suspects.len() < SUSPECTS_MAX {
            self.suspects.push(entry.clone());
        }
        if matches!(&self.head, Head::Kept(Some(head)) if head.number < written_as) {
            let tail = self.tail.get_or_insert(Tail { from: entry.number, to: entry.number, last_hash: String::new() });
            (tail.to, tail.last_hash) = (entry.number, entry.hash.clone());
            return;
        }
        self.decide_doubt(&entry.previous);
        let mut link = Link {
            number: entry.number,
            written_as,
            previous: entry.previous.clone(),
            hash: entry.hash.clone(),
            computed: if is_faulty { computed } else { entry.hash.clone() },
            is_faulty,
        };
        if is_faulty {
            self.add(entry.number, ChainFaultKind::Changed);
        }
        self.place(&mut link, expected);
        self.compare_with_noted(&link);
        self.last_two.push_back(link);
        if self.last_two.len() > 2 {
            self.last_two.pop_front();
        }
    }

    /// Takes note of a row that cannot be read as an entry. `number` is where it stands, if that can be told.
    pub fn read_unreadable(&mut self, number: Option<i64>) {
        self.entries += 1;
        let expected = self.last_two.back().map_or(self.first, |last| last.written_as + 1);
        self.add(number.unwrap_or_default(), ChainFaultKind::Unreadable);
        let has_place = |number: &i64| is_number(*number) && number - self.shift >= expected;
        let Some(number) = number.filter(has_place) else { return };
        self.decide_doubt("");
        let written_as = number - self.shift;
        if written_as > expected {
            self.miss(expected, written_as - 1);
        }
        let [previous, hash, computed] = [const { String::new() }; 3];
        self.last_two.clear();
        self.last_two.push_back(Link { number, written_as, previous, hash, computed, is_faulty: true });
    }

    /// Ends, and says what was found.
    pub fn end(mut self) -> ChainReport {
        match self.head.clone() {
            Head::Kept(Some(head)) => self.compare_with_head(&head),
            Head::Kept(None) => {
                self.decide_doubt("");
                self.add(self.last_two.back().map_or(0, |last| last.number), ChainFaultKind::HeadMissing);
            }
            // nothing comes after the two: the later one is the doubtful one, because the earlier is followed by something
            Head::Unknown => self.decide_doubt(""),
        }
        self.find_reordered();
        self.miss_noted();
        self.faults.sort_by_key(|fault| (fault.number, fault.kind));
        let last = self.last_two.back().map(|last| LogHead { number: last.number, hash: last.hash.clone() });
        ChainReport {
            entries: self.entries,
            last: last.unwrap_or_else(LogHead::of_empty_log),
            faults: self.faults,
            more_faults: self.more_faults,
            earlier: self.earlier,
            earlier_count: self.earlier_count,
        }
    }

    /// Compares the last entry with the head that is kept beside the log.
    fn compare_with_head(&mut self, head: &LogHead) {
        self.decide_doubt(&head.hash);
        if let Some(tail) = self.tail.take() {
            match tail.last_hash == head.hash {
                true => self.add(tail.to, ChainFaultKind::HeadDiffers),
                false => self.push(ChainFault { number: tail.from, to: tail.to, kind: ChainFaultKind::Inserted }),
            }
            return;
        }
        let last = self.last_two.back();
        let (number, written_as) = last.map_or((0, 0), |last| (last.number, last.written_as));
        let is_named = last.map_or(head.hash == FIRST_PREVIOUS, |last| last.is_named_by(&head.hash));
        let is_faulty = last.is_some_and(|last| last.is_faulty);
        if head.number > written_as && !is_named {
            self.push(ChainFault { number: written_as + 1, to: head.number, kind: ChainFaultKind::CutOff });
        } else if head.number != written_as || (!is_named && !is_faulty) {
            self.add(number, ChainFaultKind::HeadDiffers);
        }
    }

    /// Says that a noted entry is not there any more, unless that is known.
    fn miss_noted(&mut self) {
        let Some(noted) = self.noted.take().filter(|noted| !self.is_noted_seen && noted.number >= self.first) else {
            return;
        };
        let last = self.last_two.back().map_or(self.first - 1, |last| last.written_as);
        let is_known = |fault: &ChainFault| (fault.number..=fault.to).contains(&noted.number);
        if noted.number > last && !self.faults.iter().any(is_known) {
            self.push(ChainFault { number: last + 1, to: noted.number, kind: ChainFaultKind::CutOff });
        }
    }

    /// The number under which an entry was written that does not stand under its own: entries before it were taken out or put
    /// in and all after them given new numbers.
    fn written_as(&self, entry: &LogEntry, expected: i64) -> Option<i64> {
        let shifts = [self.shift, self.shift + 1, self.shift - 1, 1, -1];
        let candidates = shifts.iter().map(|shift| entry.number - shift).chain([expected, expected - 1]);
        candidates.filter(|number| *number != entry.number).find(|number| entry.hash_under(*number) == entry.hash)
    }

    /// Compares an entry's place with the one before it.
    fn place(&mut self, link: &mut Link, expected: i64) {
        let Some(last) = self.last_two.back().cloned() else {
            if link.written_as > expected {
                self.miss(expected, link.written_as - 1);
            } else if link.written_as < expected {
                self.faults.retain(|fault| fault.number != link.number);
                self.add(link.number, ChainFaultKind::Inserted);
                (link.written_as, link.hash, link.computed) =
                    (expected - 1, FIRST_PREVIOUS.to_owned(), FIRST_PREVIOUS.to_owned());
                return;
            } else if !link.is_faulty && self.first == 1 && link.previous != FIRST_PREVIOUS {
                self.add(link.number, ChainFaultKind::Changed);
                link.is_faulty = true;
            }
            self.follow_shift(link, expected);
            return;
        };
        if link.written_as == expected {
            self.follow_shift(link, expected);
            if !last.is_named_by(&link.previous) && !link.is_faulty && !last.is_faulty {
                self.doubt = Some(Doubt::Broken);
            }
        } else if link.written_as > expected {
            self.miss(expected, link.written_as - 1);
            self.shift = link.number - link.written_as;
        } else if link.written_as == last.written_as {
            self.stands_twice(link, &last);
        } else {
            // it stands later than it was written
            match self.is_found_again(link.written_as) {
                true => {
                    self.push(ChainFault { number: link.written_as, to: link.number, kind: ChainFaultKind::Reordered })
                }
                false => self.add(link.number, ChainFaultKind::Duplicate),
            }
            // what follows goes on where it was
            if link.number != link.written_as {
                self.shift = link.number - last.written_as;
            }
            *link = Link { number: link.number, ..last };
        }
    }

    /// Numbers that begin to differ from those that were written, with nothing taken out or put in, are a fault by themselves.
    fn follow_shift(&mut self, link: &Link, expected: i64) {
        let shift = link.number - link.written_as;
        if shift != self.shift && shift != 0 && link.written_as == expected {
            self.push(ChainFault { number: link.written_as, to: link.number, kind: ChainFaultKind::Reordered });
        }
        self.shift = shift;
    }

    /// Takes back that an entry is missing. Says whether it was.
    fn is_found_again(&mut self, number: i64) -> bool {
        let is_in = |fault: &ChainFault| {
            let is_gap = matches!(fault.kind, ChainFaultKind::Missing | ChainFaultKind::CutOff);
            is_gap && (fault.number..=fault.to).contains(&number)
        };
        let Some(index) = self.faults.iter().position(is_in) else { return false };
        let gap = self.faults.remove(index);
        for (from, to) in [(gap.number, number - 1), (number + 1, gap.to)] {
            if from <= to {
                self.push(ChainFault { number: from, to, kind: gap.kind });
            }
        }
        true
    }

    /// Two entries one after the other were written under the same number.
    fn stands_twice(&mut self, link: &mut Link, last: &Link) {
        if link.hash == last.hash && !link.is_faulty {
            self.add(link.number, ChainFaultKind::Duplicate);
        } else if last.is_faulty {
            self.faults.retain(|fault| fault.number != last.number);
            self.suspects.retain(|suspect| suspect.number != last.number);
            self.add(last.number, ChainFaultKind::Inserted);
        } else {
            self.doubt = Some(Doubt::Twice);
        }
        self.shift = link.number - link.written_as;
    }

    /// Decides which of the last two is wrong, by what the next one says comes before it.
    fn decide_doubt(&mut self, next_previous: &str) {
        let (Some(doubt), Some(last), Some(before)) =
            (self.doubt.take(), self.last_two.back().cloned(), self.last_two.front().cloned())
        else {
            return;
        };
        let is_last_attested = last.is_named_by(next_previous);
        let (wrong, kind) = match (doubt, is_last_attested) {
            (Doubt::Broken, true) => (before, ChainFaultKind::Changed),
            (Doubt::Broken, false) => (last, ChainFaultKind::Changed),
            (Doubt::Twice, true) => (before, ChainFaultKind::Inserted),
            (Doubt::Twice, false) => (last, ChainFaultKind::Inserted),
        };
        self.add(wrong.number, kind);
        if let Some(link) = self.last_two.iter_mut().find(|link| link.number == wrong.number) {
            link.is_faulty = true;
        }
        if doubt == Doubt::Twice && !is_last_attested {
            // the earlier one is the true one, and the next follows it
            self.last_two.swap(0, 1);
            if let Some(true_one) = self.last_two.back_mut() {
                true_one.number = wrong.number;
            }
        }
    }

    fn compare_with_noted(&mut self, link: &Link) {
        let Some(noted) = self.noted.as_ref().filter(|noted| noted.number == link.written_as) else { return };
        self.is_noted_seen = true;
        if noted.hash != link.hash {
            self.add(link.number, ChainFaultKind::Rewritten);
        }
    }

    /// Entries that were found changed and missing ones: does one stand in another's place?
    fn find_reordered(&mut self) {
        use ChainFaultKind::{Changed, CutOff, Missing};
        let in_question = |fault: &&ChainFault| matches!(fault.kind, Changed | Missing | CutOff);
        let places: Vec<i64> = self
            .faults
            .iter()
            .filter(in_question)
            .filter(|fault| fault.to - fault.number < GAP_SHOWN_MAX)
            .flat_map(|fault| fault.number..=fault.to)
            .collect();
        for suspect in std::mem::take(&mut self.suspects) {
            let Some(place) = places.iter().copied().find(|place| suspect.hash_under(*place) == suspect.hash) else {
                continue;
            };
            self.is_found_again(place);
            let is_explained = |fault: &ChainFault| {
                fault.number == fault.to
                    && (fault.number == place || fault.number == suspect.number)
                    && matches!(fault.kind, ChainFaultKind::Changed | ChainFaultKind::Inserted)
            };
            self.faults.retain(|fault| !is_explained(fault));
            self.push(ChainFault { number: place, to: suspect.number, kind: ChainFaultKind::Reordered });
        }
    }

    fn miss(&mut self, from: i64, to: i64) {
        self.push(ChainFault { number: from, to, kind: ChainFaultKind::Missing });
    }

    fn add(&mut self, number: i64, kind: ChainFaultKind) {
        self.push(ChainFault { number, to: number, kind });
    }

    fn push(&mut self, fault: ChainFault) {
        if self.faults.contains(&fault) {
            return;
        }
        match self.faults.len() < FAULTS_MAX {
            true => self.faults.push(fault),
            false => self.more_faults += 1,
        }
    }
}

/// Whether an entry can stand under that number; one that was put in may have any.
fn is_number(number: i64) -> bool {
    (-NUMBER_MAX..=NUMBER_MAX).contains(&number)
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
