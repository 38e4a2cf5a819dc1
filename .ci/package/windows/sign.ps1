# Signs files with the owner's certificate, where there is one.  Not run from where it was written.
#
#   .ci\package\windows\sign.ps1 FILE...
#
# What only the owner has, in the environment:
#   WINDOWS_CERTIFICATE, WINDOWS_CERTIFICATE_PASSWORD    a code-signing certificate with its key, PKCS #12 in base64
#   WINDOWS_TIMESTAMP_URL                                the time stamping service of whoever issued it (RFC 3161)
$ErrorActionPreference = 'Stop'
if (-not $env:WINDOWS_CERTIFICATE) {
    Write-Host "not signed: no certificate is named. Windows will call the publisher unknown."
    exit 0
}
$certificate = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid().ToString() + '.pfx')
try {
    [IO.File]::WriteAllBytes($certificate, [Convert]::FromBase64String($env:WINDOWS_CERTIFICATE))
    $tool = Get-ChildItem "${env:ProgramFiles(x86)}\Windows Kits\10\bin\*\x64\signtool.exe" |
        Sort-Object { [Version]$_.Directory.Parent.Name } | Select-Object -Last 1
    if (-not $tool) { throw 'signtool.exe of the Windows SDK is not here' }
    & $tool.FullName sign /q /fd SHA256 /td SHA256 /tr $env:WINDOWS_TIMESTAMP_URL /f $certificate /p $env:WINDOWS_CERTIFICATE_PASSWORD $args
    if ($LASTEXITCODE) { throw "signtool: exit code $LASTEXITCODE" }
    & $tool.FullName verify /q /pa $args
    if ($LASTEXITCODE) { throw "what was signed does not verify: exit code $LASTEXITCODE" }
}
finally {
    Remove-Item -Force -ErrorAction SilentlyContinue $certificate
}
