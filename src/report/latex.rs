//! Tables as a paper takes them: LaTeX with `booktabs`, chosen columns, three digits, a label.

use std::fs;
use std::path::Path;

use crate::error::{ErrorKind, Result};
use crate::escape::latex as escaped;
use crate::report::format::short;
use crate::report::sheet::Sheet;

/// The tables that a paper would take: the sheet, its caption, and the columns.
const CHOSEN: [(&str, &str, &[&str]); 4] = [
    (
        "outputs",
        "What pruning did to each output, on the samples.",
        &["name", "sd", "tolerance", "max_abs_change"],
    ),
    (
        "layers",
        "Weights that survive, by tensor.",
        &["tensor", "edges_total", "edges_kept"],
    ),
    (
        "circuits",
        "Circuits: size, and how much of the metric they keep.",
        &[
            "output_name",
            "method",
            "edges_kept",
            "metric_full",
            "metric_circuit",
            "faithfulness",
        ],
    ),
    (
        "lesions",
        "Ablation of each module, against random sets of as many sites.",
        &[
            "module",
            "metric",
            "metric_full",
            "metric_lesioned",
            "random_mean",
            "p_holm",
        ],
    ),
];

/// Writes `NAME.tex` for those of these tables that a paper would take.
///
/// # Errors
/// [`ErrorKind::Write`] with the file that could not be written.
pub(in crate::report) fn write(sheets: &[Sheet], dir: &Path) -> Result<()> {
    for (name, caption, columns) in CHOSEN {
        let Some(sheet) = sheets.iter().find(|sheet| sheet.name == name) else {
            continue;
        };
        let path = dir.join(format!("{name}.tex"));
        let text = table(sheet, caption, columns);
        fs::write(&path, text).map_err(|source| ErrorKind::Write { source }.at(path))?;
    }
    Ok(())
}

/// One table with its label; of the chosen columns those that the sheet has.
fn table(sheet: &Sheet, caption: &str, columns: &[&str]) -> String {
    let place = |wanted: &&str| sheet.columns.iter().position(|column| column == wanted);
    let places: Vec<usize> = columns.iter().filter_map(place).collect();
    let row = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
    let chosen = |cells: Vec<&str>| {
        let of = |place: &usize| {
            cells
                .get(*place)
                .map_or_else(String::new, |cell| number(cell))
        };
        row(places.iter().map(of).collect())
    };
    let head = places.iter().filter_map(|place| sheet.columns.get(*place));
    let head = row(head
        .map(|title| escaped(&title.replace('_', " ")))
        .collect());
    let body: String = sheet.rows.iter().map(chosen).collect();
    format!(
        "% \\usepackage{{booktabs}}\n\\begin{{table}}\n\\caption{{{}}}\n\\label{{tab:{}}}\n\\begin{{tabular}}{{{}}}\n\\toprule\n{head}\\midrule\n{body}\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n",
        escaped(caption),
        sheet.name,
        "l".to_owned() + &"r".repeat(places.len().saturating_sub(1))
    )
}

/// A number with three digits, or the text.
fn number(cell: &str) -> String {
    let is_whole = cell.bytes().all(|b| b.is_ascii_digit());
    match cell.parse::<f64>() {
        Ok(value) if !is_whole => escaped(&short(value)),
        _ => escaped(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_columns_have_three_digits_and_a_label() {
        let sheet = Sheet {
            name: "layers",
            columns: vec!["tensor", "other", "edges_kept"],
            rows: [["a_1&b", "0", "0.123456"].map(str::to_owned).to_vec()]
                .into_iter()
                .collect(),
        };
        let text = table(&sheet, "All & more.", &["tensor", "edges_kept", "nowhere"]);
        assert!(
            text.contains("\\label{tab:layers}") && text.contains("\\begin{tabular}{lr}"),
            "{text}"
        );
        assert!(
            text.contains("a\\_1\\&b & 0.123 \\\\") && text.contains("tensor & edges kept"),
            "{text}"
        );
        assert!(text.contains("\\caption{All \\& more.}"), "{text}");
    }
}
