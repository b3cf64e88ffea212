//! A run as a table on the terminal: columns beside each other, messages coloured by what becomes of them.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::session::Showing;
use crate::view::{HEADING, Row, Timeline, Tone};

use super::details::{Details, LINES};
use super::paint::{Paint, printable};
use super::terminal::headline;

/// Between two columns.
const GAP: &str = "  │ ";
/// No column is made narrower.
const NARROWEST: usize = 12;

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The width of a line in cells of a terminal; none where lines may be as long as they are.
    pub width: Option<usize>,
    /// So many rows at most; what is in the middle of more is left out. None: all of them.
    pub rows: Option<usize>,
}

/// A run, or one for each combination, with what is wrong below.
pub fn show(showing: &Showing, paint: Paint, limits: Limits) -> String {
    let mut text = headline(paint, &showing.outcome);
    text.push('\n');
    for (combination, timeline) in &showing.timelines {
        if !combination.is_empty() {
            let heading = printable(&format!("{HEADING}{combination}")).into_owned();
            text.extend(["\n", &paint.strong(heading), "\n"]);
        }
        text.extend(table(timeline, paint, limits).into_iter().map(|line| line + "\n"));
    }
    let details = Details { paint, lines: LINES, warnings: false };
    text.extend(details.of(&showing.outcome).into_iter().map(|line| format!("    {line}\n")));
    text
}

fn table(timeline: &Timeline, paint: Paint, limits: Limits) -> Vec<String> {
    let (above, left_out, below) = cut(&timeline.rows, limits.rows);
    let mut widths: Vec<_> = timeline.columns.iter().map(|head| width(head)).collect();
    for (column, cell) in above.iter().chain(below).flat_map(|row| &row.cells) {
        if let Some(widest) = widths.get_mut(*column) {
            *widest = width(&cell.text).max(*widest);
        }
    }
    fit(&mut widths, limits.width);
    let heads: Vec<_> = timeline.columns.iter().map(|head| (head.as_str(), Tone::Plain)).collect();
    let mut lines = vec![paint.strong(line(&heads, &widths, Paint::PLAIN))];
    let row = |row: &Row| {
        let cells: Vec<_> = (0..widths.len()).map(|column| shown(row, column)).collect();
        line(&cells, &widths, paint)
    };
    lines.extend(above.iter().map(row));
    if left_out > 0 {
        lines.push(paint.faint(format!("… {left_out} rows left out, --all shows them")));
    }
    lines.extend(below.iter().map(row));
    lines
}

/// What stands in a column of a row.
fn shown(row: &Row, column: usize) -> (&str, Tone) {
    let cell = row.cells.iter().find(|(at, _)| *at == column);
    cell.map_or(("", Tone::Plain), |(_, cell)| (cell.text.as_str(), cell.tone))
}

/// The first and the last of too many rows, and how many are between them.
fn cut(rows: &[Row], most: Option<usize>) -> (&[Row], usize, &[Row]) {
    match most {
        Some(most) if rows.len() > most => {
            let (above, below) = (most - most / 3, most / 3);
            (&rows[..above], rows.len() - most, &rows[rows.len() - below..])
        }
        _ => (rows, 0, &[]),
    }
}

/// Takes room from the widest column until a line fits.
fn fit(widths: &mut [usize], line: Option<usize>) {
    let Some(line) = line else { return };
    let gaps = widths.len().saturating_sub(1) * width(GAP);
    while widths.iter().sum::<usize>() + gaps > line {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => return,
        }
    }
}

fn line(cells: &[(&str, Tone)], widths: &[usize], paint: Paint) -> String {
    let mut text = String::new();
    for (at, ((cell, tone), widest)) in cells.iter().zip(widths).enumerate() {
        let short = shortened(&printable(cell), *widest);
        let rest = widest.saturating_sub(width(&short));
        text.push_str(if at == 0 { "" } else { GAP });
        text.push_str(&match tone {
            Tone::Plain => short,
            Tone::Good => paint.good(short),
            Tone::Open => paint.open(short),
            Tone::Bad => paint.bad(short),
        });
        text.extend(std::iter::repeat_n(' ', rest));
    }
    text.truncate(text.trim_end().len());
    text
}

/// As much of a text as fits; what is shortened says so.
fn shortened(text: &str, widest: usize) -> String {
    if width(text) <= widest {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut taken = 1;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > widest {
            break;
        }
        short.push(c);
    }
    short + "…"
}

fn width(text: &str) -> usize {
    text.width()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Cell;

    fn timeline(rows: &[&[(usize, &str)]]) -> Timeline {
        let cell =
            |(column, text): &(usize, &str)| (*column, Cell { text: (*text).to_owned(), tone: Tone::Good });
        Timeline {
            columns: ["application", "requests", "orders[0]"].map(str::to_owned).to_vec(),
            rows: rows.iter().map(|cells| Row { cells: cells.iter().map(cell).collect() }).collect(),
        }
    }

    fn lines(rows: &[&[(usize, &str)]], width: Option<usize>, most: Option<usize>) -> Vec<String> {
        table(&timeline(rows), Paint::PLAIN, Limits { width, rows: most })
    }

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let rows: &[&[_]] = &[&[(0, "send 0..9")], &[(1, "0..9 → ok ! 我是你爹"), (2, "0..9 @0..9")]];
        assert_eq!(
            lines(rows, None, None),
            [
                "application  │ requests              │ orders[0]",
                "send 0..9    │                       │",
                "             │ 0..9 → ok ! 我是你爹  │ 0..9 @0..9",
            ]
        );
    }

    #[test]
    fn what_does_not_fit_is_shortened_where_it_is_widest() {
        let long = "0 → ok ! a fault with a name that says everything that there is to say of it";
        for line in lines(&[&[(0, "send 0")], &[(1, long), (2, "0 @0")]], Some(50), None) {
            assert!(line.width() <= 50, "{line}");
        }
        let shown = lines(&[&[(1, long), (2, "0 @0")]], Some(50), None);
        assert_eq!(shown[1], "             │ 0 → ok ! a fault with…  │ 0 @0");
    }

    #[test]
    fn of_too_many_rows_the_first_and_the_last_are_shown() {
        let texts: Vec<_> = (0..10).map(|number| [(0, format!("send {number}"))]).collect();
        let texts: Vec<[(usize, &str); 1]> =
            texts.iter().map(|[(at, text)]| [(*at, text.as_str())]).collect();
        let rows: Vec<&[_]> = texts.iter().map(<[_; 1]>::as_slice).collect();
        let shown: Vec<_> =
            lines(&rows, None, Some(6)).iter().map(|line| line.replace(['│', ' '], "")).collect();
        let expected = [
            "applicationrequestsorders[0]",
            "send0",
            "send1",
            "send2",
            "send3",
            "…4rowsleftout,--allshowsthem",
            "send8",
            "send9",
        ];
        assert_eq!(shown, expected);
    }
}
