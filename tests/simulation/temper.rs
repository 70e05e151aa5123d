//! How wild a world is. Never changes while it is played, but for the calm.

use chrono::TimeDelta;

use super::dice::Dice;

/// How often what goes wrong.
#[derive(Clone, Debug)]
pub struct Temper {
    pub months: u32,
    pub replicas: usize,
    pub connections: u32,
    pub is_skewed: bool,
    pub has_troubles: bool,
    /// Of a thousand stops, at how many the replica dies.
    pub crash_permille: u32,
    /// At how many it is kept waiting.
    pub stall_permille: u32,
    /// Of a thousand commits, how many fail, or are said to have failed.
    pub commit_permille: u32,
    pub relay_permille: u32,
    /// Hours between what people do, on the average.
    people_hours: i64,
    trouble_hours: i64,
}

impl Temper {
    pub fn new(dice: &mut Dice) -> Self {
        let replicas = [1, 1, 2, 2, 3][dice.below(5)];
        let mut some = |most: i64| if dice.one_in(3) { 0 } else { dice.between(1, most) as u32 };
        let (crash_permille, stall_permille) = (some(12), some(60));
        let (commit_permille, relay_permille) = (some(12), some(80));
        Self {
            months: dice.between(3, 8) as u32,
            replicas,
            connections: dice.between(1, 3) as u32,
            is_skewed: replicas > 1 || dice.one_in(4),
            has_troubles: !dice.one_in(4),
            crash_permille,
            stall_permille,
            commit_permille,
            relay_permille,
            people_hours: dice.between(12, 72),
            trouble_hours: dice.between(60, 400),
        }
    }

    /// From now on nothing goes wrong.
    pub fn make_calm(&mut self) {
        (self.crash_permille, self.stall_permille, self.commit_permille, self.has_troubles) = (0, 0, 0, false);
    }

    pub fn people_pause(&self, dice: &mut Dice) -> TimeDelta {
        TimeDelta::seconds(dice.between(30, self.people_hours * 7200))
    }

    pub fn trouble_pause(&self, dice: &mut Dice) -> TimeDelta {
        TimeDelta::seconds(dice.between(600, self.trouble_hours * 7200))
    }

    pub fn down_time(&self, dice: &mut Dice) -> TimeDelta {
        TimeDelta::seconds(match dice.below(20) {
            0..=9 => dice.between(1, 60),
            10..=14 => dice.between(60, 3600),
            15..=18 => dice.between(3600, 86_400),
            _ => dice.between(86_400, 10 * 86_400),
        })
    }

    pub fn stall_time(&self, dice: &mut Dice) -> TimeDelta {
        TimeDelta::seconds(match dice.below(10) {
            0..=5 => dice.between(0, 120),
            6..=7 => dice.between(120, 660),
            8 => dice.between(660, 3600),
            _ => dice.between(3600, 8 * 3600),
        })
    }
}
