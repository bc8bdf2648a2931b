//! Arrays end to end in one buffer, for processes of the same version.

use bytemuck::Pod;

use super::{Error, Result};

/// Appends an array.
pub fn put<T: Pod>(out: &mut Vec<u8>, items: &[T]) {
    let bytes: &[u8] = bytemuck::cast_slice(items);
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(bytes);
}

/// Appends names, none of which has a line feed, as an array.
pub fn put_names<'n>(out: &mut Vec<u8>, names: impl IntoIterator<Item = &'n str>) {
    let names: Vec<&str> = names.into_iter().collect();
    put(out, names.join("\n").as_bytes());
}

/// Takes the arrays of a buffer, in the order in which they were put.
#[derive(Debug)]
pub struct Arrays<'b>(pub &'b [u8]);

impl Arrays<'_> {
    /// The next array.
    ///
    /// # Errors
    /// [`Error::Corpus`] where there is none of this type.
    pub fn take<T: Pod>(&mut self) -> Result<Vec<T>> {
        let (length, rest) = self.0.split_first_chunk::<8>().ok_or_else(damaged)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| damaged())?;
        let (bytes, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
        if bytes.len() % size_of::<T>() != 0 {
            return Err(damaged());
        }
        self.0 = rest;
        Ok(bytemuck::pod_collect_to_vec(bytes))
    }

    /// The next array, which has one member.
    ///
    /// # Errors
    /// As [`Arrays::take`].
    pub fn one<T: Pod>(&mut self) -> Result<T> {
        match self.take()?[..] {
            [one] => Ok(one),
            _ => Err(damaged()),
        }
    }

    /// The next array as names, which [`put_names`] put there.
    ///
    /// # Errors
    /// As [`Arrays::take`].
    pub fn names(&mut self) -> Result<Vec<Box<str>>> {
        let text = String::from_utf8(self.take()?);
        let text = text.map_err(|_| damaged())?;
        Ok(text.split('\n').filter(|name| !name.is_empty()).map(Into::into).collect())
    }
}

fn damaged() -> Error {
    Error::Corpus("what another process sent is damaged".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_lead_back() {
        let mut out = Vec::new();
        put(&mut out, &[1_u8]);
        put(&mut out, &[2_u32, 3]);
        put::<f32>(&mut out, &[]);
        put(&mut out, "天\n气".as_bytes());
        let mut arrays = Arrays(&out);
        assert_eq!(arrays.one::<u8>().unwrap(), 1);
        assert_eq!(arrays.take::<u32>().unwrap(), [2, 3]);
        assert!(arrays.take::<f32>().unwrap().is_empty());
        assert_eq!(arrays.names().unwrap(), ["天".into(), "气".into()]);
        assert!(arrays.take::<u8>().is_err());
        assert!(Arrays(&out[..7]).take::<u8>().is_err());
        assert!(Arrays(&out).take::<u32>().is_err());
    }
}
