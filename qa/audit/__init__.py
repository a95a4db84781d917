"""Audit any multiple-choice set about images: leaks, unsound questions, evidence, images."""

from imagewikiqa.qa.audit.records import AuditReport, AuditSummary, Finding
from imagewikiqa.qa.audit.run import audit
from imagewikiqa.qa.audit.write import write_audit

__all__ = ["AuditReport", "AuditSummary", "Finding", "audit", "write_audit"]
