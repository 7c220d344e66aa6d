//! stub
pub struct Signature;
impl Signature {
    pub fn parse(_: &str) -> Signature {
        Signature
    }
}
pub struct Bound;
