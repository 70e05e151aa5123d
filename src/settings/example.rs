//! Embeds the files that `fristd init` writes. Never holds an address of a real office.

/// Every file of the shipped example with its name and text.
///
/// ```
/// assert_eq!(fristd::settings::EXAMPLE_FILES[0].0, "fristd.toml");
/// ```
pub const EXAMPLE_FILES: [(&str, &str); 4] = [
    ("fristd.toml", include_str!("../../deploy/example/fristd.toml")),
    ("cycles.toml", include_str!("../../deploy/example/cycles.toml")),
    ("authorities.csv", include_str!("../../deploy/example/authorities.csv")),
    ("contacts.csv", include_str!("../../deploy/example/contacts.csv")),
];
