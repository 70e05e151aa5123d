//! Whom a server that tests start runs as. Never root: mail servers and databases refuse that, or do less as root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Whoever runs the test, or where that is root, an account that owns nothing.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
    switch: bool,
}

impl Account {
    const NOBODY: u32 = 65534; // user and group, the same number on every Debian

    /// For a server that keeps its files in this folder.
    pub fn of_server(folder: &Path) -> Account {
        let own = fs::metadata("/proc/self").expect("/proc is mounted");
        if own.uid() == 0 {
            return Account { uid: Account::NOBODY, gid: Account::NOBODY, switch: true };
        }
        let gid = fs::metadata(folder).expect("the temporary folder is there").gid();
        Account { uid: own.uid(), gid, switch: false }
    }

    /// Gives it a file, or a folder with all that is in it.
    pub fn give(self, path: &Path) {
        if !self.switch {
            return;
        }
        chown(path, Some(self.uid), Some(self.gid)).expect("root can give files away");
        if path.is_dir() {
            for entry in fs::read_dir(path).expect("the temporary folder is readable") {
                self.give(&entry.expect("an entry of the temporary folder").path());
            }
        }
    }

    /// Lets a command run as it.
    pub fn run(self, command: &mut Command) {
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
    }
}
