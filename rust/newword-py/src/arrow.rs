//! A column of strings through the Arrow C-stream interface.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StructArray};
use arrow_schema::{DataType, Field};
use newword_core::corpus::TextBatch;
use newword_core::support::{Error, Result};
use pyo3::prelude::*;

use crate::errors::invalid;

/// A column of strings that arrives through the Arrow C-stream interface.
pub struct Column {
    stream: ffi::Stream,
    /// Where the column stands in a table; `None` where the stream is the column.
    place: Option<usize>,
}

impl Column {
    /// Takes the stream of an object with `__arrow_c_stream__`: a column of strings, or a table
    /// whose column `field` is one.
    pub fn new(object: &Bound<'_, PyAny>, field: &str) -> PyResult<Self> {
        let stream = ffi::Stream::take(object)?;
        let (kind, place) = match stream.kind() {
            DataType::Struct(fields) => {
                let Some((at, found)) = fields.find(field) else {
                    let names: Vec<&String> = fields.iter().map(|one| one.name()).collect();
                    let value = format!("{field:?}; the columns are {names:?}");
                    return Err(invalid("field", "must name a column of the table", value));
                };
                (Field::data_type(found), Some(at))
            }
            kind => (kind, None),
        };
        if !is_text(kind) {
            return Err(invalid("corpus", "the Arrow column must hold strings", kind));
        }
        Ok(Self { stream, place })
    }

    /// The strings of the next chunk, nulls as missing; `None` at the end.
    pub fn next_batch(&mut self) -> Result<Option<TextBatch>> {
        let Some(array) = self.stream.next_array()? else { return Ok(None) };
        let column = match (self.place, array.as_any().downcast_ref::<StructArray>()) {
            (Some(place), Some(table)) => table.column(place).clone(),
            _ => array,
        };
        strings(&column).map(Some)
    }
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        // A column of nulls alone has no other type.
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// The strings of an array, nulls as missing.
fn strings(array: &ArrayRef) -> Result<TextBatch> {
    match array.data_type() {
        DataType::Utf8 => Ok(array.as_string::<i32>().iter().collect()),
        DataType::LargeUtf8 => Ok(array.as_string::<i64>().iter().collect()),
        DataType::Utf8View => Ok(array.as_string_view().iter().collect()),
        DataType::Null => Ok(std::iter::repeat_n(None, array.len()).collect()),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = strings(dictionary.values())?;
            let values: Vec<&str> = values.iter().collect();
            let keys = dictionary.normalized_keys();
            let text = |row: usize| array.is_valid(row).then(|| values[keys[row]]);
            Ok((0..array.len()).map(text).collect())
        }
        other => Err(Error::invalid("corpus", "the Arrow column must hold strings", other)),
    }
}

mod ffi {
    //! The C side of the stream. arrow's own reader takes tables only, a Series is a bare column.
    #![allow(unsafe_code, reason = "the Arrow C-stream interface is a table of C functions")]

    use std::ffi::CStr;

    use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
    use arrow_array::ffi_stream::FFI_ArrowArrayStream;
    use arrow_array::{ArrayRef, make_array};
    use arrow_schema::DataType;
    use newword_core::support::{Error, Result};
    use pyo3::exceptions::PyTypeError;
    use pyo3::prelude::*;
    use pyo3::types::{PyCapsule, PyCapsuleMethods};

    use crate::errors::to_python;

    /// A stream that this process owns, with its schema.
    pub struct Stream {
        raw: FFI_ArrowArrayStream,
        schema: FFI_ArrowSchema,
        kind: DataType,
    }

    impl Stream {
        /// Moves the stream out of the capsule that `object.__arrow_c_stream__()` returns.
        pub fn take(object: &Bound<'_, PyAny>) -> PyResult<Self> {
            let capsule = object.call_method0("__arrow_c_stream__")?;
            let capsule = capsule
                .cast::<PyCapsule>()
                .map_err(|_| PyTypeError::new_err("__arrow_c_stream__ did not return a capsule"))?;
            let pointer = capsule.pointer_checked(Some(c"arrow_array_stream"))?;
            // SAFETY: the interface promises that a capsule of this name holds an ArrowArrayStream;
            // from_raw moves it out and leaves a released one, which the capsule's destructor skips.
            let mut raw = unsafe {
                FFI_ArrowArrayStream::from_raw(pointer.cast::<FFI_ArrowArrayStream>().as_ptr())
            };
            let mut schema = FFI_ArrowSchema::empty();
            let get_schema = raw
                .get_schema()
                .ok_or_else(|| PyTypeError::new_err("the Arrow stream was consumed before"))?;
            // SAFETY: `raw` is live (its callbacks are set) and `schema` is an empty schema to fill.
            let code = unsafe { get_schema(&raw mut raw, &raw mut schema) };
            if code != 0 {
                return Err(to_python(failure(&mut raw, code)));
            }
            let kind = DataType::try_from(&schema)
                .map_err(|error| PyTypeError::new_err(error.to_string()))?;
            Ok(Self { raw, schema, kind })
        }

        /// What the arrays of the stream hold.
        pub fn kind(&self) -> &DataType {
            &self.kind
        }

        /// The next array, `None` at the end.
        pub fn next_array(&mut self) -> Result<Option<ArrayRef>> {
            let Some(get_next) = self.raw.get_next() else { return Ok(None) };
            let mut array = FFI_ArrowArray::empty();
            // SAFETY: `raw` is live, `array` is an empty array to fill.
            let code = unsafe { get_next(&raw mut self.raw, &raw mut array) };
            if code != 0 {
                return Err(failure(&mut self.raw, code));
            }
            if array.is_released() {
                return Ok(None);
            }
            // SAFETY: the producer filled `array` according to the schema it gave for this stream.
            let data = unsafe { from_ffi(array, &self.schema) };
            let data = data.map_err(|error| Error::Corpus(format!("corpus: {error}")))?;
            Ok(Some(make_array(data)))
        }
    }

    fn failure(raw: &mut FFI_ArrowArrayStream, code: i32) -> Error {
        let message = raw.get_last_error().and_then(|get| {
            // SAFETY: `raw` is live, and the string it returns lives until its next call.
            let text = unsafe { get(raw) };
            // SAFETY: a non-null answer is a C string by the interface.
            (!text.is_null())
                .then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
        });
        let message = message.unwrap_or_else(|| format!("error {code}"));
        Error::Corpus(format!("corpus: the Arrow stream failed: {message}"))
    }
}
