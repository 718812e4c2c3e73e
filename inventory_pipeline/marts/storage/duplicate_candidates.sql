-- Sets of objects with the same ETag and size: the largest of each bucket, and the largest of those
-- in several buckets, each with two of their names; all smaller ones are summed up in one row.
WITH compared AS (
  SELECT
    o.delivered_on, o.source_bucket, o.key, o.e_tag, o.size,
    CASE
      WHEN o.encryption_status IN ('SSE-KMS', 'DSSE-KMS', 'SSE-C') THEN 1
      WHEN o.encryption_status IS NULL THEN 2
      WHEN o.e_tag LIKE '%-%' THEN 3
      ELSE 4
    END AS certainty
  FROM s3_objects AS o
  JOIN widest_reports AS w
    ON w.delivered_on = o.delivered_on AND w.source_bucket = o.source_bucket
    AND w.configuration_id = o.configuration_id
  WHERE
    o.size >= $duplicates_min_bytes AND o.size > 0 AND o.e_tag IS NOT NULL
    AND COALESCE(o.is_latest, TRUE) AND NOT COALESCE(o.is_delete_marker, FALSE)
),
-- Most objects have no copy: they are told by the head of their ETag, which takes little memory.
suspects AS (
  SELECT substring(e_tag, 1, 12) AS head, size
  FROM compared
  GROUP BY substring(e_tag, 1, 12), size
  HAVING COUNT(*) > 1
),
in_bucket AS (
  SELECT
    c.delivered_on, c.source_bucket, c.e_tag, c.size,
    COUNT(*) AS copies, MIN(c.certainty) AS certainty
  FROM compared AS c
  JOIN suspects AS s ON s.head = substring(c.e_tag, 1, 12) AND s.size = c.size
  GROUP BY c.delivered_on, c.source_bucket, c.e_tag, c.size
),
scopes AS (
  SELECT 'bucket' AS scope UNION ALL SELECT 'all_buckets' AS scope
),
sets AS (
  SELECT
    c.delivered_on, s.scope,
    CASE WHEN s.scope = 'bucket' THEN c.source_bucket END AS source_bucket,
    c.e_tag, c.size, SUM(c.copies) AS copies, COUNT(*) AS buckets, MIN(c.certainty) AS certainty
  FROM in_bucket AS c
  CROSS JOIN scopes AS s
  GROUP BY
    c.delivered_on, s.scope, CASE WHEN s.scope = 'bucket' THEN c.source_bucket END,
    c.e_tag, c.size
  HAVING SUM(c.copies) > 1 AND (s.scope = 'bucket' OR COUNT(*) > 1)
),
ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY scope, source_bucket ORDER BY (copies - 1) * size DESC, size DESC, e_tag
    ) AS place
  FROM sets
),
listed AS (
  SELECT
    delivered_on, scope, source_bucket,
    CASE WHEN place <= $duplicates_listed THEN place END AS place,
    MIN(CASE WHEN place <= $duplicates_listed THEN e_tag END) AS e_tag,
    MIN(CASE WHEN place <= $duplicates_listed THEN size END) AS size,
    COUNT(*) AS sets,
    SUM(copies) AS copies,
    SUM((copies - 1) * size) AS reclaimable_bytes,
    MAX(CASE WHEN place <= $duplicates_listed THEN buckets END) AS buckets,
    MIN(certainty) AS certainty
  FROM ranked
  GROUP BY
    delivered_on, scope, source_bucket, CASE WHEN place <= $duplicates_listed THEN place END
),
named AS (
  SELECT
    l.delivered_on, l.scope, l.source_bucket, l.place, l.e_tag, l.size, l.sets, l.copies,
    l.reclaimable_bytes, l.buckets, l.certainty,
    MIN(c.key) AS first_key, MAX(c.key) AS last_key
  FROM listed AS l
  LEFT JOIN compared AS c
    ON c.e_tag = l.e_tag AND c.size = l.size
    AND (l.source_bucket IS NULL OR c.source_bucket = l.source_bucket)
  GROUP BY
    l.delivered_on, l.scope, l.source_bucket, l.place, l.e_tag, l.size, l.sets, l.copies,
    l.reclaimable_bytes, l.buckets, l.certainty
)
SELECT
  n.delivered_on, n.scope, n.source_bucket, b.account_id, b.account_name, b.department, b.region,
  n.place, n.e_tag, n.size, n.sets, n.copies, n.buckets, n.reclaimable_bytes,
  CASE n.certainty WHEN 1 THEN 'low' WHEN 4 THEN 'high' ELSE 'medium' END AS confidence,
  CASE n.certainty
    WHEN 1 THEN 'ETags of objects encrypted with KMS or customer keys are no digests of content'
    WHEN 2 THEN 'the report does not say how all are encrypted, so whether ETags are digests'
    WHEN 3 THEN 'ETags of multipart uploads: copies uploaded in other parts have others'
  END AS caveat,
  n.first_key, n.last_key
FROM named AS n
LEFT JOIN placed_buckets AS b ON b.bucket = n.source_bucket
