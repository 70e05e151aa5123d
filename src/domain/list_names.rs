//! Finds the authority that a row of a list means: by id, by name, by AGS. Never guesses.

use std::cell::Cell;
use std::collections::HashMap;

use super::list::normal;
use super::roster::{AuthorityId, Roster};

/// Every name by which a row may call an authority.
pub(super) struct Names {
    by_name: HashMap<String, Vec<AuthorityId>>,
    by_ags: HashMap<String, Vec<AuthorityId>>,
    /// How often it may still look for similar names.
    searches_left: Cell<usize>,
}

impl Names {
    pub(super) fn of(roster: &Roster) -> Self {
        let mut names =
            Self { by_name: HashMap::new(), by_ags: HashMap::new(), searches_left: Cell::new(SEARCHES_MAX) };
        for authority in roster.authorities() {
            for name in [&*authority.id, &authority.name] {
                let known = names.by_name.entry(normal(name)).or_default();
                if !known.contains(&authority.id) {
                    known.push(authority.id.clone());
                }
            }
            if !authority.ags.is_empty() {
                names.by_ags.entry(ags_digits(&authority.ags).to_owned()).or_default().push(authority.id.clone());
            }
        }
        names
    }

    /// The authority of that id or name, or why there is none.
    pub(super) fn by_name(&self, text: &str) -> Result<AuthorityId, String> {
        let wanted = normal(text);
        match self.by_name.get(&wanted).map(Vec::as_slice) {
            Some([one]) => Ok(one.clone()),
            Some(several) => {
                Err(format!("kann mehrere Behörden meinen; angenommen wird die Kennung: {}", several.join(", ")))
            }
            None => Err(self.unknown(&wanted)),
        }
    }

    /// The one authority of that AGS, or why there is none.
    pub(super) fn by_ags(&self, text: &str) -> Result<AuthorityId, String> {
        match self.by_ags.get(ags_digits(text)).map(Vec::as_slice) {
            Some([one]) => Ok(one.clone()),
            Some(several) => Err(format!("ist nicht eindeutig; angenommen wird die Kennung: {}", several.join(", "))),
            None => Err("unbekannter AGS; er steht nicht in authorities.csv".to_owned()),
        }
    }

    /// Whether an AGS is that of an authority.
    pub(super) fn fits(&self, authority: &AuthorityId, ags: &str) -> bool {
        self.by_ags.get(ags_digits(ags)).is_some_and(|known| known.contains(authority))
    }

    fn unknown(&self, wanted: &str) -> String {
        const HINTS_MAX: usize = 3; // enough to recognise one's own
        let near = match self.searches_left.get() {
            0 => Vec::new(),
            left => {
                self.searches_left.set(left - 1);
                self.near(wanted)
            }
        };
        match near.is_empty() {
            true => "steht nicht in authorities.csv".to_owned(),
            false => {
                format!("steht nicht in authorities.csv; ähnlich: {}", near[..near.len().min(HINTS_MAX)].join(", "))
            }
        }
    }

    /// The ids of authorities whose id or name holds one of the words, or one that begins alike.
    fn near(&self, wanted: &str) -> Vec<&str> {
        const WORD_LENGTH_MIN: usize = 4; // shorter ones are in many names
        const BEGINNING_LENGTH: usize = 3; // a slip of the finger is seldom at the beginning
        const WORDS_MAX: usize = 10; // no name has more, and each is compared with every word of every name
        let is_telling = |word: &&str| word.chars().count() >= WORD_LENGTH_MIN && !COMMON_WORDS.contains(word);
        let words: Vec<&str> = words_of(wanted).filter(is_telling).take(WORDS_MAX).collect();
        let beginning = |word: &str| word.chars().take(BEGINNING_LENGTH).collect::<String>();
        let find = |is_near: &dyn Fn(&str, &str) -> bool| {
            let named = self.by_name.iter().filter(|(name, _)| words.iter().any(|word| is_near(name, word)));
            let mut ids: Vec<&str> = named.flat_map(|(_, ids)| ids.iter().map(|id| &**id)).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let same_word = find(&|name, word| name.contains(word));
        if !same_word.is_empty() {
            return same_word;
        }
        find(&|name, word| words_of(name).filter(is_telling).any(|other| beginning(other) == beginning(word)))
    }
}

const COMMON_WORDS: [&str; 6] = ["stadt", "kreis", "zentrale", "ausländerbehörde", "behörde", "städteregion"]; // in many names
const SEARCHES_MAX: usize = 100; // a list with more unknown names is another list, and each search reads the whole roster

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
}

/// An AGS as it is compared: a table program takes it for a number and drops its leading zero.
fn ags_digits(text: &str) -> &str {
    text.trim().trim_start_matches('0')
}
