//! What a page is made of: text, facts, figures, tables, and parts that fold away.

#![allow(unused_qualifications, reason = "askama's derive writes them")]

use askama::Template;

use crate::report::figures::Figure;
use crate::report::format;
use crate::result::Sentence;

/// Most rows of a table on the page; the CSV has them all.
pub const MOST_ROWS: usize = 30;

/// Tables of more rows are folded away at first.
const MOST_OPEN: usize = 12;

/// Words of more characters may wrap.
const LONG: usize = 36;

/// One piece of a section.
#[derive(Debug, Clone, Template)]
#[template(path = "block.html")]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Terms and what they are.
    Facts(Vec<Fact>),
    /// A figure with its caption.
    Figure(Shown),
    /// Figures with something below each.
    Cards(Vec<Card>),
    /// A table.
    Table(Table),
    /// Blocks that are folded away at first.
    Folded(String, Vec<Block>),
    /// A part of a section, with a heading and an anchor of its own.
    Part(Section),
    /// The same, folded away at first.
    Drawer(Section),
    /// A card for each module.
    Modules(Vec<ModuleCard>),
    /// Sentences with their status, each beside what it stands on.
    Sentences(Vec<Said>),
    /// Where the page's script draws: an anchor, and the words that stand there without it.
    Place(&'static str, &'static str),
    /// A quiet link within the page: where to, and its words.
    Link(&'static str, &'static str),
}

/// A module with what is known of it.
#[derive(Debug, Clone)]
pub struct ModuleCard {
    /// The class of its colour.
    pub class: String,
    /// Its name.
    pub title: String,
    /// What is known of it.
    pub facts: Vec<Fact>,
}

impl Block {
    fn has_place(&self, anchor: &str) -> bool {
        match self {
            Self::Place(id, _) => *id == anchor,
            Self::Folded(_, blocks) => blocks.iter().any(|block| block.has_place(anchor)),
            Self::Part(section) | Self::Drawer(section) => section.has_place(anchor),
            Self::Cards(cards) => {
                let mut blocks = cards.iter().flat_map(|card| &card.blocks);
                blocks.any(|block| block.has_place(anchor))
            }
            Self::Text(_)
            | Self::Facts(_)
            | Self::Figure(_)
            | Self::Table(_)
            | Self::Modules(_)
            | Self::Sentences(_)
            | Self::Link(..) => false,
        }
    }

    /// All sentences of a result, folded away at first; `anchor` is where on the page the
    /// numbers of each are, empty where nowhere.
    pub fn every_sentence(said: Vec<Sentence>, anchor: impl Fn(&Sentence) -> &'static str) -> Self {
        let of = |sentence| Said {
            anchor: anchor(&sentence),
            sentence,
        };
        Self::Drawer(Section {
            id: "sentences",
            title: "Every sentence, and what it stands on",
            blocks: vec![Self::Sentences(said.into_iter().map(of).collect())],
        })
    }
}

impl Section {
    /// Whether the page's script draws at this anchor somewhere in it.
    pub fn has_place(&self, anchor: &str) -> bool {
        self.blocks.iter().any(|block| block.has_place(anchor))
    }

    /// What a page rests on, at its end.
    pub fn evidence(blocks: Vec<Block>) -> Self {
        Self {
            id: "evidence",
            title: "Evidence",
            blocks,
        }
    }
}

/// A sentence of the summary and where its evidence is.
#[derive(Debug, Clone)]
pub struct Said {
    /// The sentence.
    pub sentence: Sentence,
    /// Anchor of the part of the page that shows its numbers; empty where none does.
    pub anchor: &'static str,
}

/// A term and what it is.
#[derive(Debug, Clone)]
pub struct Fact {
    /// The term.
    pub term: String,
    /// What it is.
    pub text: String,
    /// Whether it is to be read letter by letter, as a hash or a path is.
    pub is_code: bool,
}

impl Fact {
    /// A term and what it is, in words.
    pub fn new(term: &str, text: impl Into<String>) -> Self {
        Self {
            term: term.to_owned(),
            text: text.into(),
            is_code: false,
        }
    }
}

/// A figure in a page.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The drawing; empty where the page would grow too large.
    pub svg: String,
    /// The file's name without `.svg`.
    pub file: String,
    /// The words below.
    pub caption: String,
    /// Whether it needs the width of the page.
    pub is_wide: bool,
}

impl Shown {
    /// Shows a figure with a caption.
    #[must_use]
    pub fn new(figure: &Figure, caption: impl Into<String>) -> Self {
        Self {
            svg: figure.inline(),
            file: figure.name.clone(),
            caption: caption.into(),
            is_wide: figure.width > 700.0,
        }
    }

    /// Names a figure that is too much for the page and links its file.
    #[must_use]
    pub fn linked(figure: &Figure, caption: impl Into<String>) -> Self {
        Self {
            svg: String::new(),
            ..Self::new(figure, caption)
        }
    }
}

/// A figure with a title above and blocks below.
#[derive(Debug, Clone)]
pub struct Card {
    /// The title.
    pub title: String,
    /// The figure.
    pub shown: Shown,
    /// What comes below.
    pub blocks: Vec<Block>,
}

/// A table with a caption.
#[derive(Debug, Clone)]
pub struct Table {
    /// What the rows are.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows shown.
    pub rows: Vec<Vec<Cell>>,
    /// Rows that only the CSV has.
    pub left_out: usize,
    /// Name of the CSV file without its ending.
    pub csv: &'static str,
    /// Whether it is unfolded at first.
    pub is_open: bool,
}

impl Table {
    /// A table of at most [`MOST_ROWS`] of these rows.
    #[must_use]
    pub fn new(
        caption: impl Into<String>,
        csv: &'static str,
        columns: Vec<Column>,
        rows: Vec<Vec<Cell>>,
    ) -> Self {
        let mut rows = rows;
        let left_out = rows.len().saturating_sub(MOST_ROWS);
        rows.truncate(MOST_ROWS);
        Self {
            caption: caption.into(),
            columns,
            rows,
            left_out,
            csv,
            is_open: false,
        }
    }

    /// All of these rows, however many.
    #[must_use]
    pub fn whole(
        caption: impl Into<String>,
        csv: &'static str,
        columns: Vec<Column>,
        rows: Vec<Vec<Cell>>,
    ) -> Self {
        Self {
            rows,
            left_out: 0,
            ..Self::new(caption, csv, columns, Vec::new())
        }
    }

    /// Unfolded at first, unless it has too many rows for that.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.is_open = self.rows.len() <= MOST_OPEN;
        self
    }

    /// The caption up to its first aside: what stands on the fold.
    #[must_use]
    pub fn heading(&self) -> &str {
        let asides = [" (", ": ", "; ", ", against ", ", beside "];
        let ends = asides.iter().filter_map(|aside| self.caption.find(aside));
        self.caption
            .get(..ends.min().unwrap_or(self.caption.len()))
            .unwrap_or(&self.caption)
    }

    /// Rows of the whole table, in words.
    #[must_use]
    pub fn size(&self) -> String {
        match self.rows.len() + self.left_out {
            1 => "1 row".to_owned(),
            n => format!("{} rows", format::count(n)),
        }
    }

    /// The words for what was left out.
    #[must_use]
    pub fn rest(&self) -> String {
        match self.left_out {
            1 => "One more row is in".to_owned(),
            n => format!("{} more rows are in", format::count(n)),
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its title.
    pub title: String,
    /// Whether it holds numbers.
    pub is_number: bool,
}

/// A column of words.
#[must_use]
pub fn words(title: &str) -> Column {
    Column {
        title: title.to_owned(),
        is_number: false,
    }
}

/// A column of numbers.
#[must_use]
pub fn numbers(title: &str) -> Column {
    Column {
        title: title.to_owned(),
        is_number: true,
    }
}

/// A cell of a table.
#[derive(Debug, Clone)]
pub struct Cell {
    /// What it shows.
    pub text: String,
    /// What it sorts by: the unrounded number; empty where it is the text.
    pub key: String,
    /// Whether it is a number.
    pub is_number: bool,
    /// Class for a tint or a mark.
    pub class: String,
    /// Where its text leads; empty for most.
    pub link: String,
}

impl Cell {
    /// Words.
    #[must_use]
    pub fn word(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            key: String::new(),
            is_number: false,
            class: String::new(),
            link: String::new(),
        }
    }

    /// A number, rounded here.
    #[must_use]
    pub fn number(value: f64) -> Self {
        Self::shown(format::number(value), value)
    }

    /// A number that may be absent.
    #[must_use]
    pub fn optional(value: Option<f64>) -> Self {
        Self::shown(format::optional(value), value.unwrap_or(f64::NEG_INFINITY))
    }

    /// A count.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a key to sort by")]
    pub fn count(value: usize) -> Self {
        Self::shown(format::count(value), value as f64)
    }

    /// A number in words of its own; where they are all of it, it needs no key.
    #[must_use]
    pub fn shown(text: impl Into<String>, value: f64) -> Self {
        let text = text.into();
        let (plain, scientific) = (value.to_string(), format!("{value:e}"));
        let key = match plain {
            plain if plain == text => String::new(),
            plain if plain.len() <= scientific.len() => plain,
            _ => scientific,
        };
        Self {
            text,
            key,
            is_number: true,
            class: String::new(),
            link: String::new(),
        }
    }

    /// Adds a class.
    #[must_use]
    pub fn with_class(mut self, class: impl Into<String>) -> Self {
        self.class = class.into();
        self
    }

    /// Makes its text a link.
    #[must_use]
    pub fn with_link(mut self, link: String) -> Self {
        self.link = link;
        self
    }

    /// All classes of the cell; what has a key is a number without one.
    #[must_use]
    pub fn classes(&self) -> String {
        let kind = match (self.is_number, self.text.chars().count() > LONG) {
            (true, _) if self.key.is_empty() => "num",
            (false, true) => "long",
            _ => "",
        };
        format!("{kind} {}", self.class).trim().to_owned()
    }
}

/// A section of the page.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its blocks.
    pub blocks: Vec<Block>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_tables_say_what_they_leave_out() {
        let rows = vec![vec![Cell::count(1)]; 1234];
        let table = Table::new("many", "edges", vec![numbers("n")], rows);
        assert_eq!(table.rows.len(), MOST_ROWS);
        assert_eq!(table.rest(), "1204 more rows are in");
        let html = Block::Table(table).render().expect("it renders");
        assert!(html.contains("tables/edges.csv"), "{html}");
        assert!(html.starts_with("<details class=\"table\">"), "{html}");
    }

    #[test]
    fn a_fold_says_what_is_in_it_without_asides() {
        let table = |caption: &str| Table::new(caption, "", vec![numbers("n")], Vec::new());
        assert_eq!(table("Modules (largest first)").heading(), "Modules");
        assert_eq!(table("Splits").heading(), "Splits");
        assert_eq!(
            table("Quality, against null networks (p)").heading(),
            "Quality"
        );
        assert_eq!(table("Splits").size(), "0 rows");
        let rows = |n| vec![vec![Cell::count(1)]; n];
        assert!(
            Table::new("a", "", vec![numbers("n")], rows(12))
                .open()
                .is_open
        );
        assert!(
            !Table::new("a", "", vec![numbers("n")], rows(13))
                .open()
                .is_open
        );
    }

    #[test]
    fn a_place_is_found_however_deep_it_stands() {
        let part = |blocks| Section {
            id: "a",
            title: "A",
            blocks,
        };
        let folded = Block::Folded("more".to_owned(), vec![Block::Place("deep", "")]);
        let outer = part(vec![Block::Part(part(vec![Block::Drawer(part(vec![
            folded,
        ]))]))]);
        assert!(outer.has_place("deep") && !outer.has_place("elsewhere"));
    }

    #[test]
    fn words_from_files_are_escaped() {
        let html = Block::Text("<script>alert(1)</script>".to_owned())
            .render()
            .expect("it renders");
        assert!(!html.contains("<script>"), "{html}");
    }
}
