//! A workbook around fuzzed XML, so that no checksum hides the XML from the fuzzer. Never writes good XML of itself.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What stands between the parts in a seed; no XML has it.
pub const SEPARATOR: u8 = 0x1e;

/// The parts in the order in which they come; one that is left out is as LibreOffice writes it, or is not there.
const PARTS: [(&str, Option<&str>); 5] = [
    ("xl/worksheets/sheet1.xml", None),
    ("xl/sharedStrings.xml", None),
    ("xl/styles.xml", None),
    (
        "xl/workbook.xml",
        Some(
            r#"<workbook xmlns:r="x"><workbookPr date1904="false"/><sheets><sheet name="Tabelle1" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
        ),
    ),
    (
        "xl/_rels/workbook.xml.rels",
        Some(
            r#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#,
        ),
    ),
];

const FRAME: [(&str, &str); 2] = [
    (
        "[Content_Types].xml",
        r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>"#,
    ),
    (
        "_rels/.rels",
        r#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    ),
];

/// The workbook of parts that stand one after the other: worksheet, shared texts, styles, workbook, its relationships.
pub fn of_parts(bytes: &[u8]) -> Vec<u8> {
    let mut given = bytes.split(|byte| *byte == SEPARATOR);
    let parts = PARTS.map(|(name, otherwise)| {
        let part = given.next().filter(|part| !part.is_empty());
        (name, part.or(otherwise.map(str::as_bytes)))
    });
    let frame = FRAME.map(|(name, text)| (name, text.as_bytes()));
    let parts = parts.into_iter().filter_map(|(name, part)| Some((name, part?)));
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    // stored as it is: packing costs time and finds nothing
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, part) in frame.into_iter().chain(parts) {
        archive.start_file(name, options).expect("names are given once");
        archive.write_all(part).expect("memory takes everything");
    }
    archive.finish().expect("memory takes everything").into_inner()
}
