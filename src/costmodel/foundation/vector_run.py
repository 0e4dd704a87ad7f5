"""The code that takes vectors of draws through all steps, and the attributes of all functions."""

from __future__ import annotations

FIELDS = 4
"""Numbers that describe an array [1]: its address, and the strides of row, element and draw."""
LINE = 8
"""64-bit numbers in a line of the cache [1]."""
RUN = """
define void @run(ptr %c, i64 %first, i64 %vectors, i64 %steps, i64 %last, ptr %kinds, ptr %s, i64 %most) #0 {{
entry:
  br label %groups
groups:
  %g = phi i64 [ 0, %entry ], [ %g2, %done ]
  %left = sub i64 %vectors, %g
  %few = icmp slt i64 %left, %most
  %count = select i1 %few, i64 %left, i64 %most
  %some = icmp sgt i64 %count, 0
  br i1 %some, label %open, label %end
open:
  %v = phi i64 [ 0, %groups ], [ %v2, %open ]
  %n = add i64 %g, %v
  %n1 = mul i64 %n, {width}
  %n2 = add i64 %first, %n1
  %low = icmp slt i64 %n2, %last
  %d = select i1 %low, i64 %n2, i64 %last
  %so = mul i64 %v, {size}
  %s1 = getelementptr i8, ptr %s, i64 %so
  call void @opening(ptr %c, i64 %d, ptr %s1)
  %v2 = add i64 %v, 1
  %more = icmp slt i64 %v2, %count
  br i1 %more, label %open, label %stepping
stepping:
  %k = phi i64 [ 0, %open ], [ %k2, %stepped ]
  %kp = getelementptr i64, ptr %kinds, i64 %k
  %kind = load i64, ptr %kp
  br label %each
each:
  %w = phi i64 [ 0, %stepping ], [ %w2, %next ]
  %m = add i64 %g, %w
  %m1 = mul i64 %m, {width}
  %m2 = add i64 %first, %m1
  %low2 = icmp slt i64 %m2, %last
  %d2 = select i1 %low2, i64 %m2, i64 %last
  %so2 = mul i64 %w, {size}
  %s2 = getelementptr i8, ptr %s, i64 %so2
  switch i64 %kind, label %next [ {cases} ]
{calls}
next:
  %w2 = add i64 %w, 1
  %more2 = icmp slt i64 %w2, %count
  br i1 %more2, label %each, label %stepped
stepped:
  %k2 = add i64 %k, 1
  %more3 = icmp sle i64 %k2, %steps
  br i1 %more3, label %stepping, label %done
done:
  %g2 = add i64 %g, %count
  br label %groups
end:
  fence seq_cst
  ret void
}}
"""
INLINED = " #2"
"""Attribute of a call whose function is inlined."""
ATTRIBUTES = """
attributes #0 = {{ nounwind alignstack=64 "min-legal-vector-width"="{bits}" "prefer-vector-width"="{bits}" }}
attributes #1 = {{ nounwind noinline "min-legal-vector-width"="{bits}" "prefer-vector-width"="{bits}" }}
attributes #2 = {{ alwaysinline }}
!0 = !{{}}
!1 = !{{i32 1}}
"""
