# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import importlib.util
import json
import logging
import subprocess
import tempfile
from pathlib import Path

from trytond.i18n import gettext
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction

from ..exceptions import EInvoiceError

logger = logging.getLogger(__name__)
# The archive format that a Factur-X file must have
PDF_A_3 = 'pdf:writer_pdf_Export:' + json.dumps(
    {'SelectPdfVersion': {'type': 'long', 'value': '3'}})


def factur_x_library():
    "Return the library that writes Factur-X; raises EInvoiceError"
    if not importlib.util.find_spec('facturx'):
        raise EInvoiceError(gettext('cae_billing.msg_einvoice_library'))
    import facturx
    return facturx


def pdf_a(data, extension):
    """Return the PDF/A-3 of the document.

    Raises EInvoiceError when LibreOffice does not make it.
    """
    with tempfile.TemporaryDirectory(prefix='trytond_') as folder:
        source = Path(folder, f'invoice.{extension}')
        source.write_bytes(
            data.encode() if isinstance(data, str) else data)
        try:
            subprocess.run([
                    'soffice', '--headless', '--nolockcheck', '--nodefault',
                    '--norestore', f'-env:UserInstallation=file://{folder}/p',
                    '--convert-to', PDF_A_3, '--outdir', folder, str(source)],
                check=True, capture_output=True, timeout=300)
            return source.with_suffix('.pdf').read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            logger.error("fail to convert to PDF/A-3", exc_info=True)
            raise EInvoiceError(gettext(
                    'cae_billing.msg_einvoice_pdf')) from error


class InvoiceReport(metaclass=PoolMeta):
    __name__ = 'account.invoice'

    @classmethod
    def _execute(cls, records, header, data, action):
        Invoice = Pool().get('account.invoice')
        invoice, = Invoice.browse(records)
        with Transaction().set_context(
                _cae_factur_x=invoice.id if invoice.is_factur_x else None):
            return super()._execute(records, header, data, action)

    @classmethod
    def convert(cls, report, data, **kwargs):
        id_ = Transaction().context.get('_cae_factur_x')
        if not id_:
            return super().convert(report, data, **kwargs)
        Invoice = Pool().get('account.invoice')
        return 'pdf', Invoice(id_).add_factur_x(
            pdf_a(data, report.template_extension))
