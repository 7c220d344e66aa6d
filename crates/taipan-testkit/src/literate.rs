//! Pages that are tests: prose, fenced programs, and what they print.
//!
//! A block marked `python` is a program; a block marked `output` after it (with prose between, if need be) is what it prints on both
//! streams. Without one it must print nothing. A block marked `pycon` is a session at the prompt: the lines after `>>> ` and `... ` are
//! typed, the others are the answers. `python fails` marks a program that ends with a status other than 0 without a traceback.

/// What to do with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Program,
    Session,
}

/// A program with what it should print.
#[derive(Clone, Debug)]
pub struct Block {
    pub kind: Kind,
    /// The line of the page at which the block starts, from 1.
    pub line: usize,
    /// The program, or what is typed.
    pub source: String,
    pub expected: String,
    /// Must the program end with a status other than 0?
    pub fails: bool,
}

/// The blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else {
            continue;
        };
        let body: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```")
            .collect();
        let text = body
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>();
        let block = |kind, source, expected| Block {
            kind,
            line: at + 1,
            source,
            expected,
            fails: info.ends_with(" fails"),
        };
        match info.split(' ').next() {
            Some("python") => found.push(block(Kind::Program, text, String::new())),
            Some("output") => {
                if let Some(last) = found.last_mut() {
                    last.expected += &text;
                }
            }
            Some("pycon") => {
                let (typed, expected) = session(&body);
                found.push(block(Kind::Session, typed, expected));
            }
            _ => {}
        }
    }
    found
}

/// Parts a session into what is typed and what then appears. Nobody echoes the typed text, so an answer follows its prompt on the same line.
fn session(body: &[&str]) -> (String, String) {
    let (mut typed, mut expected) = (String::new(), String::new());
    for line in body {
        let typed_line = [">>>", "..."].into_iter().find_map(|prompt| {
            let rest = line.strip_prefix(prompt)?;
            if rest.is_empty() {
                Some((prompt, ""))
            } else {
                Some((prompt, rest.strip_prefix(' ')?))
            }
        });
        match typed_line {
            Some((prompt, rest)) => {
                typed += &format!("{rest}\n");
                expected += &format!("{prompt} ");
            }
            None => expected += &format!("{line}\n"),
        }
    }
    (typed, expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_their_output() {
        let page = "# Page\n\n```python\nprint(1)\n```\nprints\n```output\n1\n```\n```python\npass\n```\n```text\nno test\n```\n";
        let found = blocks(page);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (
                found[0].line,
                found[0].source.as_str(),
                found[0].expected.as_str()
            ),
            (3, "print(1)\n", "1\n")
        );
        assert_eq!(found[1].expected, "");
    }

    #[test]
    fn sessions_are_parted() {
        let page = "```pycon\n>>> def f():\n...     return 1\n...\n>>> f()\n1\n```\n";
        let found = blocks(page);
        assert_eq!(found[0].kind, Kind::Session);
        assert_eq!(found[0].source, "def f():\n    return 1\n\nf()\n");
        assert_eq!(found[0].expected, ">>> ... ... >>> 1\n");
    }
}
