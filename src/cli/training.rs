//! What files beside a checkpoint tell of its training.

use std::path::Path;

use crate::checkpoint::sibling;
use crate::result::{Film, Training, TrainingPoint};
use crate::train::film;

/// Most rows of a curve that are read.
const MOST_POINTS: usize = 10_000;

/// Most numbers of a film that a report carries.
const MOST_NUMBERS: usize = 500_000;

/// The curve and the film that `modscope train` writes beside the checkpoint at
/// `path`, where they are there; files of other programs under those names are
/// left alone.
pub(super) fn beside(path: &Path) -> Option<Training> {
    let text = |name| sibling(path, name).ok().flatten();
    let curve = text("curve.csv").map_or_else(Vec::new, |text| curve(&text));
    let film = text("film.html").and_then(|page| film::read(&page));
    if curve.is_empty() && film.is_none() {
        return None;
    }
    let (film, film_cut) = film.map(cut).unzip();
    Some(Training {
        curve,
        film,
        film_cut: film_cut.flatten(),
    })
}

/// The rows of a curve, as far as they are rows of one.
fn curve(text: &str) -> Vec<TrainingPoint> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let has_steps = reader
        .headers()
        .is_ok_and(|heads| heads.iter().any(|h| h == "step"));
    let rows = reader.deserialize().take(MOST_POINTS).map_while(Result::ok);
    rows.filter(|_| has_steps).collect()
}

/// The film with as many connections to a frame as there is room for; they are
/// sorted, so that the strongest stay.
fn cut(mut film: Film) -> (Film, Option<usize>) {
    let numbers: usize = film.frames.iter().map(|frame| frame.lines.len()).sum();
    if numbers <= MOST_NUMBERS {
        return (film, None);
    }
    let most = MOST_NUMBERS / 4 / film.frames.len();
    for frame in &mut film.frames {
        frame.lines.truncate(4 * most);
    }
    (film, Some(most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::FilmFrame;

    #[test]
    fn a_curve_is_read_by_its_columns() {
        let text = "step,test_loss,train_accuracy,weights_above_0.01\n0,0.5,,30\n10,0.25,1,7\n";
        let points = curve(text);
        assert_eq!(points.len(), 2);
        assert_eq!(
            (points[0].test_loss, points[0].train_accuracy),
            (Some(0.5), None)
        );
        assert_eq!((points[1].step, points[1].weights), (10, Some(7.0)));
        assert!(curve("epoch,loss\n1,2\n").is_empty());
        assert_eq!(curve("step,test_loss\n0,1\nx,y\n").len(), 1);
    }

    #[test]
    fn a_long_film_keeps_its_strongest_connections() {
        let frame = |lines: usize| FilmFrame {
            lines: (0..4 * lines as i64).collect(),
            ..FilmFrame::default()
        };
        let film = |frames: Vec<FilmFrame>| Film {
            frames,
            ..Film::default()
        };
        let (whole, none) = cut(film(vec![frame(3)]));
        assert_eq!((whole.frames[0].lines.len(), none), (12, None));
        let (kept, most) = cut(film(vec![frame(100_000), frame(50_000), frame(10)]));
        let lines: Vec<usize> = kept.frames.iter().map(|f| f.lines.len() / 4).collect();
        // 500,000 numbers are 125,000 connections, 41,666 to each of three frames.
        assert_eq!((lines, most), (vec![41_666, 41_666, 10], Some(41_666)));
    }
}
