"""Pure: plan, converters, splits. Rows in, desired payload out."""
