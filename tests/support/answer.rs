//! What a command of the built binary answered: its exit code and both outputs. Never starts a daemon.

use assert_cmd::Command;
use serde_json::Value;

use super::site::Site;

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub said: String,
    pub complained: String,
}

impl Answer {
    /// Runs a command to its end.
    pub fn of(mut command: Command) -> Self {
        let output = command.output().expect("the built binary starts");
        Self {
            code: output.status.code().expect("it ends by itself"),
            said: String::from_utf8(output.stdout).expect("output is UTF-8"),
            complained: String::from_utf8(output.stderr).expect("complaints are UTF-8"),
        }
    }

    /// `fristd` with a site's settings and clock.
    pub fn at(site: &Site, arguments: &[&str]) -> Self {
        Self::of(Command::from_std(site.command(arguments)))
    }

    /// `fristd` without settings, in a folder.
    pub fn without_settings(folder: &std::path::Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fristd"));
        let ours = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().to_uppercase().starts_with("FRISTD"));
        for (name, _) in ours {
            command.env_remove(name);
        }
        command.current_dir(folder).args(arguments);
        Self::of(command)
    }

    /// The output of a command that must have succeeded and must not have complained.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!((self.code, self.complained.as_str()), (0, ""), "{}", self.said);
        self.said
    }

    /// The JSON of a command that must have succeeded.
    #[track_caller]
    pub fn json(self) -> Value {
        let said = self.done();
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// Checks that it was refused with this code, said nothing on stdout, and complained in these words.
    #[track_caller]
    pub fn refused(self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.said.as_str()), (code, ""), "{}", self.complained);
        for piece in words {
            assert!(self.complained.contains(piece), "{piece:?} is not said:\n{}", self.complained);
        }
    }
}

/// Checks that an object has these keys and no other.
#[track_caller]
pub fn assert_keys(value: &Value, keys: &[&str]) {
    let mut found: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut wanted = keys.to_vec();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted, "{value}");
}
