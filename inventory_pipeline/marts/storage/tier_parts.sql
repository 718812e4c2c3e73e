-- The part of each of `slices` in each volume tier that it touches, and the tier's price. A slice is
-- `quantity` of what is `charged_key` in a region, up to `slice_to` of its account's volume.
SELECT
  s.*, p.usd, p.as_of,
  CASE WHEN p.tier_from > s.slice_to - s.quantity THEN p.tier_from
       ELSE s.slice_to - s.quantity END AS overlap_from,
  CASE WHEN p.tier_to < s.slice_to THEN p.tier_to ELSE s.slice_to END AS overlap_to
FROM slices AS s
-- A slice of nothing touches a tier as well, so that it costs 0 and not an unknown sum.
LEFT JOIN prices AS p
  ON p.service = 's3' AND p.region = s.region AND p.key = s.charged_key
  AND p.tier_from <= s.slice_to
  AND (p.tier_to IS NULL OR p.tier_to >= s.slice_to - s.quantity)
