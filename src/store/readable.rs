//! A column that may hold what it must not: read as nothing instead of failing its row. Never hides that from who asks.

use sqlx::{Database, Decode, FromRow, Row, Type, TypeInfo as _, ValueRef as _};

/// A column's value; none if the column holds something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Readable<T>(pub(super) Option<T>);

impl<DB: Database, T: Type<DB>> Type<DB> for Readable<T> {
    fn type_info() -> DB::TypeInfo {
        T::type_info()
    }

    fn compatible(_: &DB::TypeInfo) -> bool {
        true // what does not fit is found when it is decoded
    }
}

impl<'r, DB: Database, T: Decode<'r, DB> + Type<DB>> Decode<'r, DB> for Readable<T> {
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        let fits = value.is_null() || {
            let held = value.type_info();
            held.is_null() || T::compatible(&held)
        };
        Ok(Self(if fits { T::decode(value).ok() } else { None }))
    }
}

/// A row of which both the key and the whole may be unreadable.
pub(super) struct Keyed<K, T> {
    pub(super) key: Option<K>,
    pub(super) whole: Option<T>,
}

impl<'r, R: Row, K: FromRow<'r, R>, T: FromRow<'r, R>> FromRow<'r, R> for Keyed<K, T> {
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self { key: K::from_row(row).ok(), whole: T::from_row(row).ok() })
    }
}
